"""How a scenario says that something is not as it must be."""


class Unexpected(Exception):
    """The run contradicts the scenario's expectation; the text is for the person who reads the table."""


def require(holds: object, otherwise: str) -> None:
    if not holds:
        raise Unexpected(otherwise)
