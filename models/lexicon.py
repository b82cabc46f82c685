"""English financial sentiment words: how strongly each speaks, as the baseline counts it.

Written by hand, checked against the training tweets. One entry a word: `word`, or a phrase
joined by `_`, or `verb*` for a regular verb in all its forms. A phrase wins over its words,
the longest first. Strength is in half points: 2 is a plain word, 4 a strong one, 6 decides
a sentence alone. Text is read in lower case with hyphens as spaces.
"""

NEGATIVE: dict[int, str] = {
    6: """
    bankruptcy bankrupt insolvency insolvent default_on defaulted fraud fraudulent
    embezzlement ponzi plunge* collapse* crash crashes crashed crashing plummet plummets
    plummeted plummeting nosedive* tumble* slump* sell_off selloff profit_warning
    price_target_cut target_cut target_lowered target_slashed pt_cut cuts_price_target
    lowers_price_target cut_to_sell cut_to_hold cut_to_neutral cuts_to_neutral cuts_to_hold
    cuts_to_sell cuts_to_market cut_to_market cut_to_equal cut_to_underweight
    cut_to_underperform downgrade* stock_falls shares_fall shares_fell shares_down shares_slide
    shares_sink shares_drop stock_drops stock_slides stock_sinks dow_down nasdaq_down s&p_down
    stocks_fall stocks_fell stocks_drop stocks_slide stocks_sink markets_fall
    misses_by misses_on eps_misses revenue_misses earnings_miss sales_miss revenue_miss
    misses_estimates missed_estimates misses_expectations missed_expectations
    loses_a_bull accounting_scandal criminal_charges are_dumping is_dumping
    worse_than_expected worse_than_feared weaker_than_expected lower_than_expected
    below_estimates below_expectations below_consensus below_forecasts short_of_estimates
    short_of_expectations short_of_forecasts disappoint* cuts_guidance cut_guidance
    lowers_guidance lowered_guidance slashes_guidance withdraws_guidance cuts_its_outlook
    cuts_outlook lowers_outlook cuts_forecast cuts_its_forecast lowers_forecast slashes_forecast
    slashes_dividend suspends_dividend cuts_dividend cuts_its_dividend
    loses_its_largest lost_its_largest going_concern bearish
    """,
    4: """
    fall falls fell falling fallen drop drops dropped dropping slide slides slid sliding
    slip slips slipped slipping sink sinks sank sinking dive dives dived tank tanks tanked
    decline* lower weak weaker weakness weakest weaken* deteriorat* deterioration
    deteriorate* worsen* loss losses lose loses losing lost
    miss misses missed missing shortfall disappointing disappointed disappointment
    lawsuit sue* sues sued suing probe probes subpoena* indict* indictment
    penalty penalties fined scandal misconduct bribery allegation allegations
    warn warns warned warning slash slashes slashed slashing negative downside downturn
    layoff layoffs lay_off lays_off laid_off cuts_jobs job_cuts cut_jobs cutting_jobs
    headwind headwinds concern concerns concerned worry worries worried fear fears
    crisis recession contraction slowdown stagnation plight turmoil distress distressed
    trouble troubled troubles struggle* hurt hurts hurting damage damaged damages
    outage outages disruption disruptions disrupted shortage shortages halt halts halted
    recall* defect defects defective faulty explosion fire_at blaze accident fatal
    breach breached hack hacked cyberattack ransomware data_leak delay delays delayed
    suspend* shutdown shut_down shuts_down shutting_down closure closures idled
    writedown write_down writes_down impairment underperform underperforms underweight
    default defaults delist* delisting junk fail fails failed failing failure
    terrible awful horrible bad badly poor poorly worst worse ugly pain painful
    dump dumps dumped dumping sold_off dilution pricing_equity prices_equity_offering
    equity_offering share_offering stock_offering resigns_abruptly resigns_amid
    ousted steps_down_amid exodus boycott strike_at walkout criticis* blow setback
    unprofitable overvalued ban_on banned rejects rejected rejection crl
    red_flag short_seller short_report misled misleading missed_payment misses_payment
    missed_payments late_payment cannot_deliver unable_to_deliver
    cancels_orders cancelled_orders canceled_orders cancels_contract loses_contract
    lost_contract loses_order error errors crashed useless angry locked_out app_down down_again
    charged_twice disaster scared killed death died injured injuries alleges
    lower_after down_after down_on lower_on down_as
    upset suffer* ousts ousted_by in_the_red premarket_losers out_of_steam running_out_of
    year_low month_low record_low all_time_low lows lowest
    bleak gloomy grim dire dismal sluggish soft_demand weak_demand slowing slows slowed
    """,
    2: """
    down cut cuts cutting coronavirus virus hit_by hit_hard due_to amid pressure pressured
    pressures low risk risks risky uncertain uncertainty volatile volatility caution cautious
    costs debt burden threat threatens threatened threaten investigation investigat*
    investigate* scrutiny dispute disputes complaint complaints charges violation violations
    reduce* reduction decrease* shrink shrinks shrank shrinking retreat* ease_off dip dips dipped
    cancel* cancelled cancellation scrap scraps scrapped halve halved backlash tension tensions
    tariffs sanctions problem problems issue_warning below dented dent weigh weighs weighed
    hammered battered pummelled pummeled spooked rattled jitters selling less_than oversupply
    glut stockpiles_rise surprise_build lagging lag lags underperformance bear bears
    expensive overbought resign* exits quits retreat shut shutter* unsold backlog_grows
    unpaid overdue stalled stall* strained strain questions_over doubts doubt skeptical
    idle idled queues refund refunds blames blamed apologises apologizes apologised apologized
    fire fears_of hidden hid missing jobless unemployment deficit cost_overruns overruns charge_off
    """,
}

POSITIVE: dict[int, str] = {
    6: """
    price_target_raised target_raised pt_raised raises_price_target target_lifted
    raised_to_buy raised_to_overweight raised_to_outperform upgrade* stock_rises stock_jumps
    stock_soars stock_gains shares_rise shares_rose shares_jump shares_surge shares_up
    shares_soar shares_gain shares_climb stocks_rise stocks_rose stocks_gain stocks_climb dow_up
    nasdaq_up s&p_up beats_by beats_on eps_beats revenue_beats earnings_beat sales_beat
    beats_estimates beat_estimates beats_expectations beat_expectations tops_estimates
    tops_expectations topped_expectations topped_estimates tops_consensus
    better_than_expected better_than_feared stronger_than_expected above_estimates
    above_expectations above_consensus above_forecasts ahead_of_estimates
    ahead_of_expectations ahead_of_forecasts raises_guidance raised_guidance lifts_guidance
    raises_forecast raises_its_forecast lifts_forecast raises_outlook raises_its_outlook
    raises_dividend increases_dividend hikes_dividend lifts_dividend
    soar* surge* skyrocket skyrockets skyrocketed record_profit record_revenue record_sales
    record_high all_time_high bullish more_bullish this_bullish fda_approval wins_approval
    """,
    4: """
    rise rises rose rising gain gains gained gaining jump* climb* rally rallies rallied
    rallying rebound* advance advances advanced higher strong stronger strongest strength
    strengthen* beat beats beating top_estimates exceed* outperform outperforms outperformed
    overweight positive upbeat optimis* optimistic optimism upside robust solid
    growth_accelerates accelerat* accelerate* improve* improvement boost boosts boosted
    win wins won winner winners winning award_win wins_contract wins_order awarded
    approv* approve* approval breakthrough success successful successfully
    profitable great good excellent impressive promising attractive undervalued
    bull bulls breakout record_quarter raised lift lifts lifted jumped popped pops spikes
    top_pick best_idea buy_rating with_buy as_buy at_buy starts_at_buy
    initiated_at_buy initiated_buy thrive* flourish* recover* recovery upturn
    hopes_for on_hopes hopes highs highest year_high buyback repurchase doubles
    doubled tripled triples expands_margin margin_expansion loss_narrows losses_narrow
    narrower_loss costs_fall costs_fell jobless_claims_fall unemployment_falls deficit_narrows
    inflation_eases inflation_cools debt_falls bounce bounces bounced rosy outpace* ahead_of_plan
    never_been_this_bullish delighted love loving favorite favourite
    """,
    2: """
    up rise_in raises raise growth grow grows grew growing above tops topped top_line_growth
    high buy support supports profit_rises profit_up gains_on settle_higher nice confident
    confidence resilient resilience opportunity opportunities benefit* tailwind tailwinds
    demand_grows expands expanding expansion launches_new lands secure secures secured
    ups praised applaud* welcome* healthy momentum squeeze run_up cheap oversold
    innovation innovative leading record booming boom stands_out outpaced steady
    ease* eases eased recovers reward* milestone backlog_record
    """,
}

# What reads like strong words but reports a fact, asks or announces: no feeling follows.
PLAIN: dict[int, str] = {
    4: """
    call_transcript earnings_call_transcript conference_call edited_transcript slideshow
    declares_dividend declares_quarterly declares_monthly goes_ex_dividend ex_dividend
    earnings_preview presents_at conference_presentation call_presentation
    should_you marketscreener how_to here's_how here's_what what_to_know net_asset_value
    """,
    2: """
    ? transcript presentation results reports dividend declares schedules conference webcast
    among_losers only_loser gainers preview appoints president you your what how announces
    notice agenda calendar
    """,
    0: """
    rate_cut rate_cuts cuts_rates cut_rates short_cut cut_off clear_cut
    loss_prevention stop_loss per_cent up_to set_up sign_up start_up back_up up_next
    down_payment top_down low_cost lower_cost close_up follow_up due_diligence best_practices
    growth_fund high_yield high_school high_court credit_default_swap risk_management
    risk_officer bad_bunny lost_in strong_buy_list good_morning good_evening good_friday
    low_carbon lower_house upper_house bull_terrier support_level black_friday
    rise_to_the  advance_notice in_advance
    top_five drop_box drop_off pick_up strike_price record_date
    for_profit non_profit not_for_profit negative_test fire_sale_of firing_up fine_art gains_tax
    warning_letter_template capital_gains debt_offering debt_securities risk_factors
    """,
}

NEGATORS = """
not no never without isn't wasn't doesn't didn't don't won't can't cannot couldn't aren't
hasn't haven't hardly barely nor neither unlikely avoid avoids avoided averts lack lacks
dismisses denies denied
"""
INTENSIFIERS = """
sharply heavily deeply severely steeply significantly strongly massively huge massive very
extremely dramatically biggest most hard steep sharp serious severe unexpectedly badly
"""
DIMINISHERS = "slightly modestly somewhat little marginally may could might partly mildly"
