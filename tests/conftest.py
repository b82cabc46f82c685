"""What every test may ask for; the services live in `tests/services.py` and
`tests/kafka_services.py`."""

pytest_plugins = ["tests.services", "tests.kafka_services"]
