"""Texts of the screen, Chinese and English side by side."""

from enum import StrEnum

from protocol.events import RefusalReason
from protocol.rules import Notice


class SlotFault(StrEnum):
    """Why a slot cannot sell although nothing forbids its goods."""

    NOT_PLANNED = "not_planned"
    NOT_FOR_SALE = "not_for_sale"
    SOLD_OUT = "sold_out"
    WRONG_GOODS = "wrong_goods"
    PAUSED = "paused"
    BUSY = "busy"
    DOOR_OPEN = "door_open"
    DOOR_UNKNOWN = "door_unknown"
    MOTOR_UNKNOWN = "motor_unknown"
    PAUSED_BY_MACHINE = "paused_by_machine"
    SCALE_UNKNOWN = "scale_unknown"
    WEIGHT_NOT_PLANNED = "weight_not_planned"


REFUSALS = {
    RefusalReason.RULES_PENDING: Notice(
        zh="正在更新安全信息，请稍候。", en="Safety information is being updated, please wait."
    ),
    RefusalReason.RECALL: Notice(
        zh="该商品已停止销售。", en="This product has been withdrawn from sale."
    ),
    RefusalReason.STORAGE: Notice(
        zh="本机暂停销售，正在等待维护。", en="Out of service, waiting for maintenance."
    ),
    RefusalReason.TEMPERATURE: Notice(
        zh="温度异常，为保证食品安全已停止销售。",
        en="Stopped for food safety: the temperature was out of range.",
    ),
    RefusalReason.EXPIRY: Notice(
        zh="该商品已过保质期，停止销售。", en="This product is past its date and not sold."
    ),
    RefusalReason.CLOCK: Notice(
        zh="本机时间未校准，暂停销售有保质期的商品。",
        en="The clock is not set; dated products are not sold for now.",
    ),
    RefusalReason.LEASE: Notice(
        zh="与服务中心失联过久，暂停销售。", en="No contact with the service for too long."
    ),
    RefusalReason.SERVICE: Notice(zh="维护中，请稍候。", en="In service, please wait."),
    RefusalReason.FAULT: Notice(zh="该货道暂停使用。", en="This slot is not available."),
}

SLOT_FAULTS = {
    SlotFault.NOT_PLANNED: REFUSALS[RefusalReason.FAULT],
    SlotFault.NOT_FOR_SALE: REFUSALS[RefusalReason.FAULT],
    SlotFault.WRONG_GOODS: REFUSALS[RefusalReason.FAULT],
    SlotFault.PAUSED: REFUSALS[RefusalReason.FAULT],
    SlotFault.DOOR_UNKNOWN: REFUSALS[RefusalReason.FAULT],
    SlotFault.MOTOR_UNKNOWN: REFUSALS[RefusalReason.FAULT],
    SlotFault.PAUSED_BY_MACHINE: REFUSALS[RefusalReason.FAULT],
    SlotFault.SCALE_UNKNOWN: REFUSALS[RefusalReason.FAULT],
    SlotFault.WEIGHT_NOT_PLANNED: REFUSALS[RefusalReason.FAULT],
    SlotFault.SOLD_OUT: Notice(zh="已售空。", en="Sold out."),
    SlotFault.BUSY: Notice(zh="该货道正在出货，请稍候。", en="This slot is busy, please wait."),
    SlotFault.DOOR_OPEN: Notice(zh="柜门未关，请先关门。", en="Please close the door first."),
}

DATE_UNKNOWN = Notice(
    zh="该商品保质期信息缺失，停止销售。",
    en="The date of this product is not known; it is not sold.",
)
NEAR_EXPIRY = Notice(zh="该商品临近保质期，请尽快食用。", en="This product is close to its date.")
NOT_RETURNABLE = Notice(
    zh="该商品一经售出，无质量问题不予退货。",
    en="This product cannot be returned unless it is faulty.",
)
DISPENSED = Notice(zh="请取走商品并关好柜门。", en="Please take your product and close the door.")
NOT_DISPENSED = Notice(
    zh="出货失败，款项将退回。", en="The product was not handed out; you will be refunded."
)
DOOR_UNLOCKED = Notice(
    zh="柜门已解锁，请选购后关好柜门，关门后自动结算。",
    en="The door is unlocked. Take what you like; closing the door settles your purchase.",
)
SETTLING = Notice(zh="正在结算，请稍候。", en="Settling your purchase, please wait.")
SETTLED = Notice(zh="结算完成，谢谢惠顾。", en="Your purchase is settled, thank you.")
SETTLED_PROVISIONAL = Notice(
    zh="结算结果待核实，未经您同意不会多收。",
    en="Your purchase is being checked; you will not be charged more without being asked.",
)
NOTHING_TAKEN = Notice(zh="未取走商品，不收费。", en="Nothing was taken; nothing is charged.")
UNKNOWN_OUTCOME = Notice(
    zh="出货结果待核实，我们会尽快处理。", en="We are checking whether the product was handed out."
)
