# Installs and tests a formula as Homebrew does, with a minimal stand-in for Homebrew:
#   ruby formula.rb FORMULA RELEASE_FOLDER EMPTY_FOLDER
require "digest"
require "fileutils"
require "pathname"
require "socket"

formula_path, release, target = ARGV

class Pathname
  alias to_str to_s

  # A file, or a file with its new name.
  def install(*files)
    mkpath
    files.each do |file|
      from, to = file.is_a?(Hash) ? file.first : [file, File.basename(file)]
      FileUtils.cp(from, self / to)
    end
  end
end

class Formula
  class << self
    attr_reader :test_block, :service_block

    %i[desc homepage version license url sha256].each do |word|
      define_method(word) { |value = nil| value.nil? ? @words.fetch(word) : (@words ||= {})[word] = value }
    end
    def on_macos = (yield if RUBY_PLATFORM.include?("darwin"))
    def on_linux = (yield if RUBY_PLATFORM.include?("linux"))
    def on_arm = (yield if RUBY_PLATFORM.match?(/arm64|aarch64/))
    def on_intel = (yield if RUBY_PLATFORM.include?("x86_64"))
    def test(&block) = @test_block = block
    def service(&block) = @service_block = block
  end

  attr_reader :prefix, :bin, :man1, :bash_completion, :zsh_completion, :fish_completion

  def initialize(target)
    # Not the folder that the archive is unpacked to, as with Homebrew.
    @prefix = Pathname(target) / "prefix"
    @bin = prefix / "bin"
    @man1 = prefix / "share/man/man1"
    @bash_completion = prefix / "etc/bash_completion.d"
    @zsh_completion = prefix / "share/zsh/site-functions"
    @fish_completion = prefix / "share/fish/vendor_completions.d"
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

# Records the words of a formula's service.
class Service
  attr_reader :words

  def initialize(formula)
    @formula = formula
    @words = {}
  end

  %i[run keep_alive environment_variables log_path error_log_path].each do |word|
    define_method(word) { |*values, **options| @words[word] = options.empty? ? values.first : options }
  end
  def opt_bin = @formula.bin
  def var = @formula.prefix / "var"
  def std_service_path_env = "/opt/homebrew/bin:/usr/bin:/bin"
end

load formula_path
archive = File.join(release, File.basename(Mcpstead.url))
raise "wrong sha256 of #{archive}" unless Digest::SHA256.file(archive).hexdigest == Mcpstead.sha256

formula = Mcpstead.new(target)
system("tar", "-xzf", archive, "-C", target, "--strip-components=1", exception: true)
Dir.chdir(target) { formula.install }
{
  formula.man1 / "mcpstead.1"                 => ".TH MCPSTEAD 1 ",
  formula.bash_completion / "mcpstead"        => "# Completions of mcpstead for bash",
  formula.zsh_completion / "_mcpstead"        => "#compdef mcpstead",
  formula.fish_completion / "mcpstead.fish"   => "# Completions of mcpstead for fish",
}.each { |path, start| raise "#{path} is wrong" unless File.read(path).start_with?(start) }

service = Service.new(formula)
service.instance_eval(&Mcpstead.service_block)
program, *arguments = service.words.fetch(:run)
raise "no program at #{program}" unless File.executable?(program)
raise "the service runs #{arguments}" unless arguments == %w[serve --watch]

formula.instance_eval(&Mcpstead.test_block)
