"""What the doctor says without any service at hand."""

import pytest

from workers.doctor import examine, redis_verdict
from workers.settings import read_settings


@pytest.mark.parametrize(
    ("version", "verdict"),
    [("6.2.14", "ok"), ("7.0.0", "ok"), ("8.1.0", "ok"), ("6.0.16", "wrong"), ("5.0.7", "wrong")],
)
def test_redis_must_be_new_enough_for_the_scripts(version, verdict):
    assert redis_verdict(version).verdict == verdict


def test_every_missing_setting_is_one_line_and_stops_no_other_check(tmp_path):
    checks = {
        check.name: check
        for check in examine(
            read_settings(
                {
                    "BELLWETHER_DATA": str(tmp_path / "not" / "there"),
                    "BELLWETHER_FEEDS": str(tmp_path / "feeds.yaml"),
                    "BELLWETHER_RULES": str(tmp_path / "rules.yaml"),
                }
            )
        )
    }
    assert "BELLWETHER_KAFKA" in checks["broker"].detail
    assert "BELLWETHER_REDIS" in checks["redis"].detail
    assert "BELLWETHER_DATABASE" in checks["database"].detail
    assert checks["rules"].verdict == "wrong"
    assert "rules.yaml" in checks["rules"].detail
    assert checks["feeds"].verdict == "warning"
    assert checks["model"].verdict == "ok"
    assert checks["disk"].detail.endswith(str(tmp_path))
    assert all("\n" not in check.detail for check in checks.values())
