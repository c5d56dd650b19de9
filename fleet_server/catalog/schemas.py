"""Web shapes of the catalogue."""

from datetime import date
from typing import Self

from pydantic import Field, model_validator

from fleet_server.web.schemas import Order, View


class ProductOrder(Order):
    """`POST /products`. The GTIN may be written with 8, 12, 13 or 14 digits."""

    gtin: str = Field(min_length=8, max_length=14)
    name_zh: str = Field(min_length=1, max_length=120)
    name_en: str = Field(min_length=1, max_length=120)
    category: str = Field("", max_length=60)
    shelf_life_days: int | None = Field(None, ge=1, le=36_500)
    near_expiry_days: int | None = Field(None, ge=0, le=365)
    perishable: bool = False
    chilled: bool = False
    returnable: bool = True
    price_minor: int = Field(0, ge=0, le=10_000_000)
    currency: str = Field("CNY", pattern=r"^[A-Z]{3}$")


class ProductView(View):
    """A product."""

    gtin: str
    name_zh: str
    name_en: str
    category: str
    shelf_life_days: int | None
    near_expiry_days: int
    perishable: bool
    chilled: bool
    returnable: bool
    price_minor: int
    currency: str


class LotOrder(Order):
    """`POST /lots`: dates printed on the goods."""

    gtin: str = Field(min_length=8, max_length=14)
    lot: str = Field(min_length=1, max_length=40)
    expiry: date | None = None
    production: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.expiry and self.production and self.expiry < self.production:
            raise ValueError("a lot is produced before it expires")
        return self


class LotView(View):
    """A lot."""

    id: str
    gtin: str
    lot: str
    expiry: date | None
    production: date | None
