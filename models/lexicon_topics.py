"""The twenty topics and the words that point to each, English and Chinese.

One entry a word or `phrase_joined_by_underscores`, by how strongly it points: 1 a hint,
2 typical, 4 hardly used elsewhere, 8 decides. `verb*` stands for all forms. Written by hand,
checked against the training tweets.
"""

TOPICS = (
    "Analyst Update",
    "Fed | Central Banks",
    "Company | Product News",
    "Treasuries | Corporate Debt",
    "Dividend",
    "Earnings",
    "Energy | Oil",
    "Financials",
    "Currencies",
    "General News | Opinion",
    "Gold | Metals | Materials",
    "IPO",
    "Legal | Regulation",
    "M&A | Investments",
    "Macro",
    "Markets",
    "Politics",
    "Personnel Change",
    "Stock Commentary",
    "Stock Movement",
)
"""The labels of `topic`, in the order of the public data set they come from."""

KEYWORDS: dict[str, dict[int, str]] = {
    "Analyst Update": {
        8: """downgrades price_target analyst_calls pt_cut pt_raised price_target_raised
        price_target_cut upgrades_to initiates_coverage initiated_coverage initiates_at
        reiterates_buy stock_ratings""",
        4: """upgrades outperform overweight underperform underweight analyst market_perform
        equal_weight top_pick coverage slashes_target downgrade* upgrade* initiates initiated
        neutral_rating sell_rating buy_rating am_best""",
        2: """rating pt analysts morgan_stanley bernstein citi credit_suisse barclays ubs
        bofa evercore piper_sandler wedbush jefferies deutsche_bank attractive prospects
        cautious near_term upside citing""",
        1: "goldman_sachs jpmorgan target headwinds wells_fargo goldman says sees",
    },
    "Fed | Central Banks": {
        8: """central_bank central_banks federal_reserve interest_rates interest_rate ecb
        rate_hike rate_hikes monetary_policy fomc lagarde powell boe boj rate_increase
        bank_of_england bank_of_japan reserve_bank basis_point_rate bullard yellen waller
        rate_cut rate_cuts rate_decision""",
        4: """fed fed's monetary hike hikes basis_points bps basis_point tightening
        policymakers raise_rates rates_by quantitative kuroda bailey barkin mester bostic""",
        2: "rates rate governor benchmark_rate inflation_target percentage_point reserve federal",
        1: "policy inflation bank hawkish dovish",
    },
    "Company | Product News": {
        8: """launches partners_with partnership_with regulatory_announcement introduces
        clinical_trial new_product product_launch recall* prime_day hiring_freeze job_cuts
        cuts_jobs lays_off names_partner rolls_out data_breach""",
        4: """launch unveils partnership contract awarded awards expands selected selects
        secures fda phase trial hiring workforce layoffs layoff platform solution solutions
        award announcement order_for partners network bankruptcy prototype factory plant
        outage recall supplier suppliers customers production deliveries
        collaboration celebrates""",
        2: """product new launched announces agreement_with receives technology ev electric
        vehicle cloud ai development patients treatment drug employees charging store stores
        software app aircraft customer program project model services network_outage
        airbus boeing study with_new opens supply_chain ships shipping startup""",
        1: "with its for plans plc offering management company health battery expansion center",
    },
    "Treasuries | Corporate Debt": {
        8: """treasury_yields treasury_market yield_curve bond_market bond_yields
        senior_notes corporate_bond_sale debt_default bondholders prices_notes
        treasuries convertible_notes note_offering""",
        4: """bonds bond debt yields default coupon notes sovereign creditors junk_bond
        credit_facility refinanc* refinancing loan_facility curve borrowing""",
        2: "treasury yield financing loan credit fitch moody's ratings maturity s&p_global",
        1: "payments billion issue",
    },
    "Dividend": {
        8: """declares dividend distribution_of monthly_distribution ex_dividend
        quarterly_dividend cash_dividend special_dividend dividend_yield payout_ratio""",
        4: "dividends distribution quarterly_cash shareholders_of_record payout",
        2: "monthly per_share etf invesco preferred common_share",
        1: "yield trust quarterly income",
    },
    "Earnings": {
        8: """earnings_call call_transcript financial_results conference_call quarter_results
        earnings_preview second_quarter_results first_quarter_results earnings_release
        results_conference quarter_earnings""",
        4: """earnings results transcript quarter webcast preview half_year second_quarter
        first_quarter third_quarter fourth_quarter fiscal earnings_per_share""",
        2: "conference release call presentation eps full_year schedules ahead_of_earnings",
        1: "reports report announce financial guidance date upcoming host q",
    },
    "Energy | Oil": {
        8: """crude oil_prices opec natural_gas nord_stream barrel barrels brent wti lng
        oil_output oil_futures pipeline gas_prices gazprom oil_production refinery refineries
        crude_oil""",
        4: """oil gas gasoline barrels_per_day drilling shale fuel energy_crisis bbl oott eia
        refining saudi_aramco power_grid solar_farm electricity wind_farm rigs""",
        2: "energy pump gallon supplies russian exports saudi flows price_cap coal nuclear",
        1: "winter supply capacity",
    },
    "Financials": {
        8: """eps_of revenue_of beats_by misses_by gaap_eps non_gaap_eps revs guides
        reaffirms_guidance raises_guidance cuts_guidance lowers_guidance record_revenue
        net_profit beats_estimates misses_estimates net_income operating_profit
        profit_warning full_year_guidance""",
        4: """eps revenue gaap non_gaap misses_on beats_on in_line fy guidance profit profits
        net_loss sales_rose sales_fell operating_margin ebitda reaffirms consensus
        same_store_sales margins margin revenue_rose revenue_fell forecasts_cut cash_flow
        outlook_cut quarterly_loss quarterly_profit""",
        2: "beats misses posts net_interest above_consensus below_consensus quarterly outlook",
        1: "estimates m b sees raises lowers forecast loss earnings_per_share",
    },
    "Currencies": {
        8: """euro dollar parity rupee yen forex yuan against_the_dollar foreign_exchange
        sterling us_dollar exchange_rate currencies swiss_franc fx""",
        4: "currency usd eur pound peso lira eurusd won ruble",
        2: "two_decades outflows haven gbp peg",
        1: "weakest strengthens weakens",
    },
    "General News | Opinion": {
        8: "breakingviews via_opinion big_take heat_wave heat_waves opinion_piece via_ap",
        4: """opinion telescope temperatures scientists climate_change wildfire wildfires
        pandemic covid heat_advisory heat bankman_fried crypto_winter essay columnist monkeypox
        history schools university museum""",
        2: """people read here's_what ap london covid climate you_need science know desert
        crypto via world who their what heat families life travel city universities students
        workers""",
        1: "are the how you have your is been why children home women",
    },
    "Gold | Metals | Materials": {
        8: "gold_prices gold bullion copper_prices precious_metals iron_ore nickel spot_gold zinc",
        4: "copper silver metals aluminum aluminium palladium lithium tonnes miner miners ounce",
        2: "mine mining metal steel settlement_prices smelter ore cobalt",
        1: "haven",
    },
    "IPO": {
        8: """ipo initial_public_offering go_public goes_public going_public public_debut
        stock_market_debut market_debut files_to_list""",
        4: "listing spac debut direct_listing prices_ipo lists_in roadshow prospectus",
        2: "listed underwriters list_in bookrunners hong_kong_listing",
        1: "porsche arm",
    },
    "Legal | Regulation": {
        8: """class_action lawsuit law_firm law_offices sues sued antitrust
        encourages_investors investor_alert under_investigation is_investigating settles_charges
        securities_fraud regulators_fine""",
        4: """lawsuits fined probe court judge prosecutors regulator regulators attorney
        attorneys settlement suit plaintiffs jury subpoena subpoenas indicted indictment
        penalty violations injunction alleges patent_infringement sec_charges fine llp
        investigation ruling""",
        2: """trial musk legal charges filed shareholder_rights deadline delaware compliance sec
        ftc fines appeal behalf alert lawyers misleading doj regulatory settle settles rules""",
        1: "against court_of case law investors",
    },
    "M&A | Investments": {
        8: """acquires acquisition acquire to_acquire merger takeover majority_stake stake_in
        completes_acquisition spin_off buyout business_combination agreed_to_buy
        agrees_to_buy takeover_bid""",
        4: """acquired stake merge invests divest* divestiture bid_for private_equity
        sale_of activist agreed_to_sell funding_round joint_venture raises_million
        series_b to_buy""",
        2: "deal completes transaction bid kkr stakes assets investment elliott invest",
        1: "billion capital majority sell purchase agreed",
    },
    "Macro": {
        8: """gdp consumer_prices cpi jobless_claims unemployment retail_sales consumer_price
        labor_market housing_market home_sales mortgage_rates consumer_confidence pmi
        producer_prices recession economic_growth housing_starts trade_deficit
        inflation_hit economic_data consumer_spending nonfarm payrolls cost_of_living""",
        4: """inflation economy_grew economists jobs_report mortgage exports imports eurozone
        households rents homebuyers food_prices wheat grain economist yoy manufacturing_index
        consumer_sentiment deficit factory_orders household industrial_production""",
        2: """economic economy consumer growth supply_chains housing index survey pace spending
        homes forecast june month_on_month percent_in prices food china's year_earlier
        data_showed goods prior est actual imf world_bank""",
        1: "fastest highest lowest yoy months year rise in us china demand rising",
    },
    "Markets": {
        8: """dow_jones wall_street stock_futures nasdaq_composite us_stocks
        european_stocks asian_markets stock_markets industrial_average nikkei ftse dax
        hang_seng asian_stocks stocks_rise stocks_fall stocks_close stocks_open futures_rise
        futures_fall market_open global_stocks stocks_rally""",
        4: """dow s&p nasdaq index_futures indices equities indexes futures points
        stocks_are sensex nifty stoxx equity_markets bear_market_rally""",
        2: "stocks investors_weigh markets mixed rally selloff market index traders session",
        1: "investors earnings_season closed gains average",
    },
    "Politics": {
        8: """prime_minister biden trump election elections boris_johnson senate congress
        white_house president_biden parliament lawmakers tory sunak truss draghi
        democrats republicans kremlin putin""",
        4: """president minister senator vote votes political party government democratic
        republican house_committee coalition conservative leadership_race supreme_court
        house_of campaign ballot candidates mps governor_of sanctions zelensky""",
        2: "johnson committee bill lawmaker race legislation tax congress hearing crown",
        1: "his he leader house government vote china taiwan speech former",
    },
    "Personnel Change": {
        8: """appoints appointed_as as_chief chief_executive_officer chief_financial_officer
        board_of_directors names_new steps_down step_down appointment_of vice_president
        new_ceo hires_former resigns_as as_ceo as_cfo new_chief promotes_to joins_as
        names_ceo interim_ceo retire_as as_chairman""",
        4: """appointment officer cfo coo resigns promotes hires names departs successor
        resign steps_aside appointed ousts resignation_of managing_director
        leadership_transition retires""",
        2: "chief executive board ceo director directors veteran joins interim chairman chair",
        1: "senior head as role leadership effective marketing",
    },
    "Stock Commentary": {
        8: """breakout chart resistance_level unusual_options descending the_wires vwap setup
        technical_analysis undervalued_stocks price_action options_activity""",
        4: """breakout resistance undervalued overvalued oversold overbought chart calls puts
        squeeze short_interest dip reversal consolidation stop_loss bullish bearish swing
        moving_average support_at support i'm my long_term_hold watchlist moat entry notable""",
        2: """trading stockmarket finance investing i if my nice buy bottom break short volume
        long looks still position today upside bull hold holding portfolio wires valuation
        shares_look setup bid f ! business play""",
        1: "stocks markets economy here on see now ? should could stock above",
    },
    "Stock Movement": {
        8: """shares_fall shares_rise shares_jump shares_surge shares_slide shares_drop
        shares_down shares_up stock_falls stock_rises stock_jumps stock_soars stock_gains
        stock_slides shares_plunge shares_climb stock_drops stock_surges stock_plunges
        premarket_movers biggest_moves gainers losers shares_tumble stock_tumbles shares_gain
        shares_slip shares_soar stock_climbs shares_sink shares_rally shares_fell shares_rose
        pre_market premarket after_hours""",
        4: """downgraded_to upgraded_to soars tumbles slides slumps plunges jumps rallies surges
        sinks movers shares_of shares halted""",
        2: "after stock higher_on lower_on rises falls gains slips drops climbs tanks",
        1: "on guidance beat miss",
    },
}

CHINESE: dict[str, str] = {
    "Analyst Update": "评级 目标价 研报 券商 分析师 机构看好 首次覆盖",
    "Fed | Central Banks": "央行 美联储 加息 降息 降准 货币政策 利率 逆回购",
    "Company | Product News": "新品 推出 合作 签约 中标 产能 投产 订单 召回 工厂 产品 停产 供应商",
    "Treasuries | Corporate Debt": "国债 债券 违约 发债 收益率 公司债 债务",
    "Dividend": "分红 派息 股息 现金红利",
    "Earnings": "业绩 财报 季报 年报 半年报 预告 快报",
    "Energy | Oil": "原油 石油 天然气 煤炭 电力 光伏 能源 油价 欧佩克",
    "Financials": "营收 净利润 净利 亏损 毛利率 同比增长 营业收入",
    "Currencies": "人民币 汇率 美元 欧元 日元 外汇",
    "Gold | Metals | Materials": "黄金 白银 铜 铝 锂 稀土 钢铁 铁矿石 有色",
    "IPO": "上市申请 首次公开 招股 打新 申购 新股 挂牌上市",
    "Legal | Regulation": "诉讼 立案 处罚 证监会 监管 罚款 警示函 法院 调查 反垄断",
    "M&A | Investments": "收购 并购 重组 入股 增持 减持 股权转让 投资",
    "Macro": "经济 通胀 失业 出口 进口 消费 房地产 经济增长 统计局",
    "Markets": "沪指 大盘 深成指 创业板 恒指 两市 股市 北向资金 道指 纳指",
    "Politics": "总统 国务院 政府 选举 议会 外交部 制裁",
    "Personnel Change": "辞职 任命 聘任 董事长 总经理 高管变动 离任",
    "Stock Commentary": "主力 抄底 涨停 庄家 散户 割肉 加仓 短线 支撑 压力位",
    "Stock Movement": "股价 涨停 跌停 拉升 跳水 异动 收涨 收跌",
}
