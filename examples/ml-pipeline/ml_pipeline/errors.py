"""Why a step ends badly. Each kind has an exit code, by which the Workflow decides whether trying again makes sense."""


class StepError(Exception):
    """Something that may pass, such as a network failure: the step is tried again."""
    exit_code = 1


class BadInput(StepError):
    """The CSV, or its name, cannot be used. The message says where and what to do; the same file fails again."""
    exit_code = 2


class GateFailed(StepError):
    """The model is not good enough to be published."""
    exit_code = 3


class Superseded(StepError):
    """The source was overwritten or deleted meanwhile: its new version has a run of its own."""
    exit_code = 4
