"""The exit handler: removes what the steps left for each other, whatever became of them."""

from .work import Run


def run(run: Run, options) -> None:
    print(f"{run.store.remove_all(run.container, run.prefix)} intermediate blobs removed")
