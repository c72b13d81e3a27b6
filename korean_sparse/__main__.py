"Run the command: python -m korean_sparse. The console script begins here, too."


def run() -> int:
    "The exit code of the command; Ctrl-C while it is still imported is no traceback."
    try:
        from korean_sparse.command import main

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == '__main__':
    raise SystemExit(run())
