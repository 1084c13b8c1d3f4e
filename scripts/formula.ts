import manifest from '../package.json' with { type: 'json' };
import { version } from './checkout.ts';
import { repository, type Target, targetNamed } from './targets.ts';

/** The checksums of a SHA256SUMS file, by archive name. */
export type Checksums = ReadonlyMap<string, string>;

/** Reads a file in the format of `sha256sum`: hash, two blanks, name. */
export function parseChecksums(text: string): Checksums {
  return new Map([...text.matchAll(/^([0-9a-f]{64}) {2}(\S+)$/gm)].map(([, hash, name]) => [name!, hash!]));
}

/** The Homebrew formula of this version, in the layout that `brew style` asks for. Homebrew's Linux is glibc's. */
export function formula(checksums: Checksums): string {
  return `class Mcpstead < Formula
  desc "${manifest.description}"
  homepage "https://github.com/${repository}"
  version "${version}"
  license "${manifest.license}"

  on_macos do
${onCpus('darwin', checksums)}
  end

  on_linux do
${onCpus('linux', checksums)}
  end

  def install
    bin.install "mcpstead"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/mcpstead --version")

    port = free_port
    pid = spawn bin/"mcpstead", "demo", "--port", port.to_s
    begin
      url = "http://127.0.0.1:#{port}/health"
      health = shell_output("curl --silent --retry 20 --retry-delay 1 --retry-connrefused #{url}")
      assert_match '"status":"ok"', health
    ensure
      Process.kill "TERM", pid
      Process.wait pid
    end
  end
end
`;
}

function onCpus(system: 'darwin' | 'linux', checksums: Checksums): string {
  const block = (method: string, target: Target) => {
    const checksum = checksums.get(target.archive);
    if (checksum === undefined) throw new Error(`SHA256SUMS has no line for ${target.archive}`);
    return `    ${method} do
      url "https://github.com/${repository}/releases/download/v${version}/${target.archive}"
      sha256 "${checksum}"
    end`;
  };
  return [
    block('on_arm', targetNamed(`${system}-arm64`)),
    block('on_intel', targetNamed(`${system}-x64`)),
  ].join('\n');
}
