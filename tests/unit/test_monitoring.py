"""Scrape and alert rules against the metrics there are, and the page that explains both."""

import re
from typing import Any

import prometheus_client
import yaml
from prometheus_client.metrics import MetricWrapperBase

from pipeline import metrics
from tests.documentation import ROOT
from workers.process import STAGES


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def metric_names() -> set[str]:
    """Every series name our processes export, and what each client exports of itself."""
    names = {"up", "process_start_time_seconds", "process_resident_memory_bytes"}
    for collector in vars(metrics).values():
        if not isinstance(collector, MetricWrapperBase):
            continue
        for family in collector.collect():
            kind = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
            names |= {family.name + suffix for suffix in kind.get(family.type, [""])}
    return names


def test_metric_names_are_found() -> None:
    assert {"bellwether_lag_records", "bellwether_records_total"} <= metric_names()
    assert prometheus_client.generate_latest()


def rules() -> list[dict[str, Any]]:
    loaded = yaml.safe_load(read("deploy/prometheus-rules.yml"))
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def test_alert_rules_use_metrics_that_exist() -> None:
    for rule in rules():
        used = set(re.findall(r"\b(?:bellwether|process)_\w+|\bup\b", rule["expr"]))
        assert used, rule["alert"]
        assert used - metric_names() == set(), rule["alert"]


def test_every_alert_rule_says_what_to_do() -> None:
    operations = read("docs/operations.md")
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        assert f"### {rule['alert']}" in operations


def test_a_missing_stage_of_any_kind_pages() -> None:
    (missing,) = (rule for rule in rules() if rule["alert"] == "BellwetherStageMissing")
    assert set(re.findall(r'service="(\w+)"', missing["expr"])) == set(STAGES)


def test_prometheus_scrapes_every_stage() -> None:
    scrape = yaml.safe_load(read("deploy/prometheus.yml"))
    (job,) = scrape["scrape_configs"]
    (discovery,) = job["dns_sd_configs"]
    assert set(discovery["names"]) == set(STAGES)
    assert discovery["port"] == 9100
    assert scrape["rule_files"] == ["prometheus-rules.yml"]


def test_every_metric_is_explained_to_operators() -> None:
    operations = read("docs/operations.md")
    missing = {
        family.name
        for collector in vars(metrics).values()
        if isinstance(collector, MetricWrapperBase)
        for family in collector.collect()
        if f"`{family.name}" not in operations
    }
    assert missing == set()
