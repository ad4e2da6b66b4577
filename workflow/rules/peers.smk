# Functions that the benchmarks' rules ask for their files.
MACHINE = machine.name()
BENCHES = {
    *("bench", "bench_pages", "bench_group", "bench_environment"),
    *("bench_small", "bench_small_pages"),
}
PEERS = f"{cfg.data.cache}/peers"
PEERS_FILES = Path(machine.__file__).parent / "environments"


def bench_groups(size):
    from qcxr.bench import suite  # here: no other rule needs it

    return expand(f"{results}/bench/{size}/{{group}}.json", group=suite.groups(size))


def bench_environments(w):
    from qcxr.bench import suite  # here: as above

    return expand(
        f"{PEERS}/{{environment}}.txt",
        environment=suite.environments(w.group, w.size),
    )
