import sys
from pip._internal.commands.download import DownloadCommand
from pip._internal.network.download import Downloader
from pip._internal.utils.hashes import Hashes
from pip._vendor.packaging.specifiers import SpecifierSet
name, version, folder = sys.argv[1:4]
command = DownloadCommand("download", "")
with command.main_context():
    options, _ = command.parse_args(["--no-binary=:all:", "--no-deps", name])
    session = command.get_default_session(options)
    finder = command._build_package_finder(options, session, ignore_requires_python=True)
    wanted = SpecifierSet(f"=={version}" if version else "")
    best = finder.find_best_candidate(name, wanted).best_candidate
    if best is None:
        sys.exit(f"no source of {name} {version} found")
    Downloader(session, "off")(best.link, folder)
    print(best.link.filename, best.link._hashes)
