"""A report as a good machine sends it, ways to change it, and the real reports of the field."""

from collections.abc import Sequence
from pathlib import Path

from edge_agent.drivers.audit.crc import crc16

REAL_REPORTS = Path(__file__).parents[4].parent / "shared" / "data" / "evadts"

BODY = (
    "ID1*WTN11082110074*GVC1        *8207*Hall 3**A-77",
    "ID4*2*1840*USD",
    "ID5*20260301*0200",
    "CB1*11082110074*GVC1        *8207",
    "VA1*15600*302*1200*24",
    "VA2*1125*15*0*0",
    "VA3*900*18*0*0",
    "CA1*CAI002207520165*USQ702C01EA6*0008",
    "BA1*CAI000460701743*BP4SX       *0001",
    "CA2*9600*202*700*14",
    "CA3*800*300*500*0*19610*5650*9060*49*0*4900",
    "CA4*100*20*4040*1280",
    "CA15*5200*TUBE1*49*93*161",
    "CA17*0*5*49*40*17*0",
    "CA17*1*10*93*50*14*1",
    "DA1*3491EE8F54BE*READER*0100",
    "DA2*6000*100*500*10",
    "PA1*10*150*SODA",
    "PA2*120*18000*6*900",
    "PA3*2*300*0*0",
    "PA7*10*CA*0*150*100*15000*5*750",
    "PA1*11*200",
    "PA2*40*8000*3*600",
    "PA1*501*350*SALAD ^2A^FRESH^2A^",
    "PA2*7*2450*1*350",
    "EA1*ELB_501*20260228*2210*21716",
    "EA2*ELB_501*0*5**1*21716",
    "EA2*ENK*2*9**0",
    "EA2*EGS*104*204",
    "EA3*4*20260301*0200*1*20260228*1400*1*7*90",
    "EA7*1*373",
    "MA5*TEMP*45*C*DC",
    "MA5*ERROR*CJ06",
)


def report_of(
    body: Sequence[str] = BODY, *, check: str | None = None, count: int | None = None
) -> bytes:
    """Frame a body as a machine does; `check` and `count` in place of the right ones."""
    inner = "".join(f"{line}\r\n" for line in ("ST*001*0001", *body)).encode("latin-1")
    right = f"{crc16(inner):04X}"
    segments = len(body) + 3 if count is None else count
    tail = f"G85*{check or right}\r\nSE*{segments}*0001\r\nDXE*1*1\r\n"
    return b"DXS*WTN4213952*VA*V0/6*1\r\n" + inner + tail.encode()


WHOLE = report_of()
