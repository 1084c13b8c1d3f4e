# Installs and tests a formula as Homebrew does, with a minimal stand-in for Homebrew:
#   ruby formula.rb FORMULA RELEASE_FOLDER EMPTY_FOLDER
require "digest"
require "fileutils"
require "pathname"
require "socket"

formula_path, release, target = ARGV

class Pathname
  alias to_str to_s

  def install(*files)
    mkpath
    FileUtils.cp(files, self)
  end
end

class Formula
  class << self
    attr_reader :test_block

    %i[desc homepage version license url sha256].each do |word|
      define_method(word) { |value = nil| value.nil? ? @words.fetch(word) : (@words ||= {})[word] = value }
    end
    def on_macos = (yield if RUBY_PLATFORM.include?("darwin"))
    def on_linux = (yield if RUBY_PLATFORM.include?("linux"))
    def on_arm = (yield if RUBY_PLATFORM.match?(/arm64|aarch64/))
    def on_intel = (yield if RUBY_PLATFORM.include?("x86_64"))
    def test(&block) = @test_block = block
  end

  attr_reader :prefix, :bin

  def initialize(target)
    # Not the folder that the archive is unpacked to, as with Homebrew.
    @prefix = Pathname(target) / "prefix"
    @bin = prefix / "bin"
  end

  def version = self.class.version

  def shell_output(command)
    output = `#{command}`
    raise "#{command}: #{$?}" unless $?.success?

    output
  end

  def assert_match(expected, actual)
    raise "expected #{expected.inspect} in #{actual.inspect}" unless actual.match?(expected)
  end

  def free_port
    TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }
  end
end

load formula_path
archive = File.join(release, File.basename(Mcpstead.url))
raise "wrong sha256 of #{archive}" unless Digest::SHA256.file(archive).hexdigest == Mcpstead.sha256

formula = Mcpstead.new(target)
system("tar", "-xzf", archive, "-C", target, "--strip-components=1", exception: true)
Dir.chdir(target) { formula.install }
formula.instance_eval(&Mcpstead.test_block)
