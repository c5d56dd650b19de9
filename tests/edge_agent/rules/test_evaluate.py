"""The index finds exactly what the one matcher finds, only faster."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.rules.evaluate import blocks, index
from protocol.matching import Goods, Match, Place, match
from protocol.rules import BlockKind, Lots, Notice, Rule, Terms
from tests.edge_agent.model_server import GTIN_A, GTIN_B

gtins = st.sampled_from([GTIN_A, GTIN_B])
PLACE = Place("cab-1", "A1", "site", "region")

RULES = st.lists(
    st.builds(
        Rule,
        recall=st.sampled_from(["R-1", "R-2", "R-3"]),
        revision=st.just(1),
        block=st.sampled_from(BlockKind),
        terms=st.builds(
            Terms,
            gtins=st.lists(gtins, max_size=2),
            lots=st.none() | st.builds(Lots, exact=st.lists(st.sampled_from("XY"), max_size=2)),
        ),
        notice=st.just(Notice("召回", "recalled")),
    ),
    max_size=6,
)
GOODS = st.lists(
    st.builds(Goods, gtin=st.none() | gtins, lot=st.none() | st.sampled_from("XYZ")), max_size=3
)


@given(RULES, GOODS)
def test_the_index_loses_and_adds_nothing(rules: list[Rule], goods: list[Goods]) -> None:
    slow = {rule.recall for rule in rules for item in goods if match(rule, item, PLACE).blocks}
    found = blocks(index(rules), goods, PLACE)
    assert {block.recall for block in found} == slow
    assert len(found) == len(slow)
    for block in found:
        surest = {
            match(rule, item, PLACE)
            for rule in rules
            for item in goods
            if rule.recall == block.recall
        }
        assert block.match is (Match.YES if Match.YES in surest else Match.POSSIBLE)
