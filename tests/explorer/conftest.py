import pytest
from explorer_node import Core


@pytest.fixture(scope="session")
def core():
    process = Core()
    yield process
    process.close()
