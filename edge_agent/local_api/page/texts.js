// All words of the page, Chinese and English side by side. Texts of the gate come with the state.

/** Lines `key|Chinese|English`; `{0}` stands for the first value. */
const table = (lines) =>
  Object.fromEntries(lines.trim().split("\n").map((line) => line.split("|")).map(([key, ...pair]) => [key, pair]));

const WORDS = table(`
title|智能售货柜|Smart cabinet
otherLanguage|English|中文
service|维护|Service
offline|离线|Offline
clock|时间未校准|Clock not set
storage|存储已满|Storage full
inService|维护中|In service
rulesPending|更新安全信息|Safety update
held|温度锁定|Temperature hold
lost|正在连接本机，请稍候…|Connecting to the cabinet, please wait…
nothingPlanned|本柜尚未上架商品。|Nothing is on sale here yet.
payAtTerminal|请选好商品，并在支付终端付款|Choose a product and pay at the terminal
payAtTerminalDoor|请在支付终端付款，柜门将自动打开|Pay at the terminal; the door then opens by itself
simulation|模拟支付：不收取真实款项|Simulated payment: no money moves
left|余 {0}|{0} left
slot|货道 {0}|Slot {0}
bestBefore|保质期至 {0}|Use by {0}
soldOut|售空|Sold out
stopped|停售|Not sold
recalled|已召回|Recalled
noticeTitle|购买前请阅读|Please read before you pay
continueToPay|已知悉，去支付|I understand, continue
pay|去支付|Continue to payment
back|返回|Back
done|完成|Done
cancel|取消|Cancel
near_expiry|临期|Short date
not_returnable|不退换|No returns
recall_warning|安全提示|Safety notice
scanToPay|请扫码支付|Scan to pay
approve|请先授权，关门后按实际取走的商品扣款|Approve now; after closing the door you are charged for what you took
secondsLeft|{0} 秒内有效|Valid for {0} s
fakePay|模拟扫码付款|Simulate the payment
fakeApprove|模拟扫码授权|Simulate the approval
vending|正在出货|Handing out
takeFrom|请打开货道 {0} 的柜门取货|Take your product from slot {0}
doorClosed|柜门已关好，谢谢惠顾|The door is closed. Thank you!
success|出货成功|Here you are
failed|出货失败|Not handed out
refused|暂时不能购买|Not available
unknown|结果待核实|We are checking
notAnswered|本机暂时没有回应，结果待核实。请联系客服并出示编号。|The cabinet did not answer. Please contact support with this number.
reference|编号 {0}|Reference {0}
openTheDoor|打开柜门|Open the door
doorSteps|扫码授权/开门选购/关门自动结算|Approve by phone/Open and choose/Close to settle
inside|柜内商品|Inside
notNow|柜门暂时无法打开|The door cannot be opened right now
opening|正在开门|Opening the door
doorOpen|柜门已开|The door is open
settling|正在结算|Settling
settled|结算完成|Settled
nothingTaken|未取走商品|Nothing taken
total|合计|Total
enterPin|输入维护 PIN 码|Enter the service PIN
orScan|或用扫码枪扫描手机上的工单码|Or scan the work order on your phone
scanHint|扫码枪输入|Scanner input
logout|退出维护|Log out
loggedIn|已登录：{0}|Logged in: {0}
stock|货品|Stock
doors|柜门|Doors
faults|故障|Faults
test|自检|Self-test
load|上货|Load
count|盘点|Count
remove|下架|Remove
scanLabel|扫描商品条码|Scan the label
product|商品条码|GTIN
lot|批号|Lot
expiry|保质期至|Use by
expiryHint|年月日 6 或 8 位数字|Year, month, day: 6 or 8 digits
quantity|数量|Quantity
chooseSlot|请先选择货道|Choose a slot first
lotsInside|柜内批次|Lots inside
unitsNow|{0} 件|{0} pcs
why_recall|召回|Recall
why_expired|过期|Expired
why_damaged|破损|Damaged
why_other|其他|Other
do_load|上货 {0} 件到 {1}|Load {0} into {1}
do_count|{1} 盘点为 {0} 件|{1} holds {0}
do_remove|从 {1} 下架 {0} 件|Remove {0} from {1}
done_load|{0} 已上货 {1} 件：{2} → {3} 件|{0}: {1} loaded, {2} → {3}
done_count|{0} 已盘点为 {1} 件：账面 {2} → {3} 件|{0}: counted {1}, book {2} → {3}
done_remove|{0} 已下架 {1} 件：{2} → {3} 件|{0}: {1} removed, {2} → {3}
scanned|已识别 {0}|Read: {0}
badDate|日期不正确，请输入 6 或 8 位数字|Not a date: give 6 or 8 digits
open|开门|Open
state_open|已打开|open
state_closed|已关闭|closed
state_unknown|状态未知|unknown
opened|{0} 已打开|{0} is open
open_already|{0} 已经是打开的|{0} was open already
did_not_open|{0} 没有打开，请检查锁|{0} did not open: check the lock
pulse_failed|{0} 开锁指令未送达，请检查锁控板|{0}: the lock board did not take the order
working|请稍候…|Please wait…
noFaults|没有未解除的故障|No open fault
since|自 {0}|since {0}
times|×{0}|×{0}
acknowledge|确认|Acknowledge
release|检查完毕，解除锁定|Inspected, release
released|{0} 已解除|{0} released
clearsItself|条件满足后自动解除|Ends by itself
runTest|开始自检|Run the self-test
testGood|自检通过|Self-test passed
diskWrites|存储可写|Storage takes writes
testBad|自检未通过|Self-test failed
ok|确定|OK
clear|清除|Clear`);

const PROBLEMS = table(`
wrong-pin|PIN 码不正确|The PIN is wrong
too-many-tries|错误次数过多，请 5 分钟后再试|Too many wrong PINs: wait five minutes
no-pin|本柜未设置 PIN，请扫描工单码|This cabinet has no PIN: scan a work order
login-needed|登录已失效，请重新登录|The login is over: log in again
not-allowed|工单未授权此操作|Your work order does not allow this
work-order-over|工单已过期|The work order is over
signature-rejected|工单无效，或不属于本柜|The work order is not valid for this cabinet
door-busy|有顾客正在使用该柜门|A buyer is at this door
pulse-failed|锁控板没有回应|The lock board does not answer
nothing-latched|该故障已不在锁定状态|Nothing is latched any more
payment-expired|支付已超时，请重新选购|The payment was not made in time
malformed|输入不正确|The input is not right
storage|存储已满，没有保存|Storage is full: nothing was saved
gone|本机没有回应|The cabinet does not answer`);

const REASONS = table(`
busy|正在出货，请稍后再操作|A vend is under way
other_product|该货道计划放其他商品 {0}|Another product is planned here: {0}
date_needed|易腐商品必须填写保质期|Perishable goods need their date
blocked|商品已被召回或停售，不得上货 {0}|Recalled or held goods may not be loaded {0}
expired|商品已过期，不得上货|The goods are past their date
not_booked|账面只有 {0} 件，请先盘点|The book has only {0}: count first
quantity|数量应为 {0}|A quantity is {0}
no_code|不是商品条码|Not a product code
no_gtin|条码里没有商品编码|The code holds no GTIN
bad_gtin|商品编码校验不正确|The GTIN's check digit is wrong
bad_date|条码里的日期不正确|The date on the label is wrong
bad_value|条码里的批号或序列号不正确|The lot or serial number is wrong
bad_length|条码不完整，请重新扫描|The code is cut short: scan again
contradiction|条码内容自相矛盾|The code contradicts itself`);

const KEPT = "language";
let language = localStorage.getItem(KEPT) === "en" ? "en" : "zh";

const pick = (pair, values) =>
  pair[language === "zh" ? 0 : 1].replace(/\{(\d)\}/g, (_, at) => values[at] ?? "");

/** Words of a key, with these values. */
export const t = (key, ...values) => pick(WORDS[key] ?? [key, key], values);

/** A text that came in both languages. */
export const say = (notice) => notice?.[language] || notice?.en || notice?.zh || "";

/** What a problem of the API means for the person at the screen. */
export function problemText({ type, detail, text, reason, wanted = "" }) {
  const pair = REASONS[reason] ?? PROBLEMS[type];
  return text ? say(text) : pair ? pick(pair, [wanted]).trim() : detail;
}

export const currentLanguage = () => language;

/** Switch to the other language, and remember it. */
export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem(KEPT, language);
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
}
document.documentElement.lang = language === "zh" ? "zh-CN" : "en";

/** Minor units as money of a currency, by the number of digits that currency has. */
export function money(minor, currency) {
  if (!currency) return String(minor / 100);
  const shown = new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en", {
    style: "currency", currency, currencyDisplay: "narrowSymbol",
  });
  return shown.format(minor / 10 ** shown.resolvedOptions().maximumFractionDigits);
}
