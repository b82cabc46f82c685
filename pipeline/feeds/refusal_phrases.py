"""The phrases of pages that refuse: each a regular expression, without regard to case."""

import re


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases), re.IGNORECASE)


# What refuses, in the languages of the sources.
DENIED = _any(
    r"\b(?:access|permission|request|entry)\s+(?:to this \w+\s+)?(?:(?:is|was|has been)\s+"
    r")?(?:denied|blocked|forbidden|refused|restricted|rejected)",
    r"^\W*(?:error\s*)?(?:4(?:0[0-9]|10|29|51)|5(?:0[0-4]|2\d))\b", r"\bforbidden\b",
    r"\bunauthori[sz]ed\b", r"\bnot authori[sz]ed\b", r"\btoo many requests\b",
    r"\bbad (?:gateway|request)\b", r"\bservice (?:temporarily )?unavailable\b",
    r"\bserver error\b", r"\bgateway time-?out\b", r"\bsomething went wrong\b",
    r"\bpage (?:you (?:have )?requested )?(?:could not|cannot|can't|couldn'?t) be (?:displayed"
    r"|loaded|shown|reached)", r"\bbe (?:right )?back (?:soon|shortly|online|in a)\b",
    r"\bperforming (?:some |scheduled |routine )?maintenance\b", r"\bdue to legal reasons\b",
    r"\baccess (?:cannot|can not|can't) be granted\b", r"\bEuropean Economic Area\b.{0,80}\bGDPR\b",
    r"\b(?:under|undergoing|scheduled) maintenance\b",
    r"\b(?:page|file|article|story)\s+(?:(?:was|could|can|is)\s*(?:not|n[o']t)\s*(?:be\s+"
    r")?found|not found)",
    r"\b(?:page|content|article|site|website) (?:is |you requested is )?(?:not|no longer|un"
    r")\s?available", r"\bnot available in your (?:country|region|location)\b",
    r"\byou (?:have been|are|were) blocked\b",
    r"\byou (?:don'?t|do not) have (?:permission|access)", r"\baccès (?:refusé|interdit)\b",
    r"\bzugriff (?:verweigert|gesperrt)\b", r"\bacceso denegado\b", r"\bacesso negado\b",
    r"доступ (?:запрещ|огранич)", r"アクセス.{0,6}(?:拒否|できません)", r"拒绝访问", r"訪問被拒",
    r"页面.{0,4}(?:走丢|找不到|无法显示|已删除|已被删除)", r"内容已被?(?:删除|下架)",
    r"系统(?:繁忙|维护)", r"网络异常", r"访问被拒", r"禁止访问", r"禁止訪問",
    r"无权(?:限)?访问", r"没有权限", r"页面不存在", r"页面未找到", r"頁面不存在",
    r"服务器(?:错误|繁忙)", r"访问(?:过于)?频繁",
    r"您的访问.{0,10}(?:异常|受限)",
)  # fmt: skip

# What wants to know whether somebody is there.
CHECKED = _any(
    r"\brate (?:limit|threshold) (?:was |has been )?exceeded\b",
    r"\bcaptcha\b", r"\b(?:are you|not) (?:a )?(?:robot|human)\b", r"\brobot or human\b",
    r"\bverify(?:ing)? (?:that )?(?:you|your browser|you'?re|you are)\b",
    r"\bunusual (?:traffic|activity)\b",
    r"\bautomated (?:access|requests|queries|traffic|tools?)\b",
    r"\bbot (?:detection|protection|activity)\b", r"\bjust a moment\b",
    r"\bpardon our interruption\b", r"\battention required\b",
    r"\bsecurity (?:check|verification)\b", r"\bchecking (?:your browser|if the site connection)\b",
    r"\bray id\b", r"\breference (?:#|id|number)", r"\bincident id\b", r"\bpress (?:&|and) hold\b",
    r"\bone more step\b", r"\bprove (?:that )?you", r"\bddos protection\b", r"安全验证",
    r"人机验证", r"验证码", r"滑动(?:滑块|验证)", r"請輸入驗證", r"请完成验证", r"機器人",
    r"机器人",
)  # fmt: skip

# What stands where a script would write the page.
SCRIPTED = _any(
    r"\b(?:enable|allow) js\b", r"\bdisable (?:any |your )?ad[ -]?block",
    r"\b(?:enable|turn on|activate|requires?|needs?|without|disabled|supports?"
    r")\b.{0,40}\b(?:javascript|cookies)\b",
    r"\b(?:javascript|cookies)\b.{0,60}\b(?:enabled?|disabled|required|turned on|activat\w+"
    r"|not supported)\b", r"(?:启用|开启|打开|支持).{0,10}javascript",
    r"javascript.{0,10}(?:启用|开启|禁用|支持)",
    r"^\W*(?:loading|please wait|redirecting|加载中|正在加载|跳转中)",
)  # fmt: skip

# What asks for an account or a subscription.
CLOSED = _any(
    r"\bcancel any ?time\b", r"\btry unlimited access\b", r"\bunlimited digital access\b",
    r"\bcontinue reading (?:your|this|the)\b", r"^\W*(?:sign|log) ?in\b",
    r"\bforgot(?:ten)? password\b",
    r"\bcreate an? (?:free )?account\b",
    r"\b(?:sign|log) ?in\b.{0,40}\b(?:to (?:continue|read|view|access|your)|required|account)",
    r"\bsubscribe\b.{0,40}\bto (?:continue|read|unlock|keep reading|view)",
    r"\balready a (?:subscriber|member)\b",
    r"\b(?:subscribers?|members?|subscription)(?: only| required| exclusive)\b",
    r"\bto continue reading\b", r"请(?:先)?登录", r"登录后(?:查看|阅读)", r"订阅后(?:查看|阅读)",
)  # fmt: skip

# The words consent walls are made of; a page of them is one.
CONSENT = _any(
    r"\bcookies?\b", r"\bconsent\w*", r"\bprivacy\b", r"\b(?:our |and )?partners\b",
    r"\bpersonal(?:i[sz]ed)? (?:data|information|ads?|advertising|content)\b",
    r"\blegitimate interests?\b", r"\baccept(?: all)?\b", r"\breject(?: all)?\b",
    r"\bopt[- ]?out\b", r"\bmanage (?:settings|options|preferences|privacy)\b", r"\bpreferences\b",
    r"\bgdpr\b", r"\bccpa\b", r"\bprocess(?:ing)? (?:of )?(?:your )?data\b", r"\bagree\b",
    r"\bterms of (?:service|use)\b", r"\bvendors?\b", r"\bstore and/or access\b",
    r"\bdatenschutz\w*", r"\beinwilligung\w*", r"\bzustimm\w*", r"\bakzeptieren\b",
    r"\bconsentement\b", r"\baccepter\b", r"\bpolitique de confidentialité\b",
    r"\bdonnées personnelles\b", r"\bprivacidad\b", r"\baceptar\b", r"隐私", r"同意",
    r"接受(?:全部|所有)?", r"個人資料", r"个人信息",
)  # fmt: skip

# How such walls are headed.
CONSENT_TITLE = _any(
    r"\bbefore you continue\b", r"\bwe (?:value|care about|respect) your privacy\b",
    r"\bcookies?\b", r"\bconsent\b", r"\bprivacy\b", r"\byour (?:choices|data)\b", r"\bdatenschutz",
    r"\bzustimmung", r"隐私", r"同意",
)  # fmt: skip
