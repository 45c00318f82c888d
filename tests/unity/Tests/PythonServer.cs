#nullable enable
using System;
using System.Diagnostics;
using System.IO;
using System.Threading.Tasks;

namespace Scenewright.Tests
{
    /// <summary>The real server with the embedded model; it ends with whoever started it.</summary>
    internal sealed class PythonServer : IAsyncDisposable
    {
        private readonly Process _process;

        private PythonServer(Process process, string address) => (_process, Address) = (process, address);

        /// <summary>Host and port.</summary>
        public string Address { get; }

        /// <summary>The repository's folder.</summary>
        public static string Root { get; } = FindRoot();

        /// <summary>The Python that `scenewright` runs in.</summary>
        public static string Python
        {
            get
            {
                var beside = Path.Combine(Path.GetDirectoryName(Command()) ?? string.Empty, "python");
                return File.Exists(beside) ? beside : "python3";
            }
        }

        /// <summary>A file of examples/.</summary>
        public static string Example(string name) => Path.Combine(Root, "examples", name);

        /// <summary>Start it, and wait until it answers; `adjust` makes the client's settings fit the options.</summary>
        public static async Task<PythonServer> StartAsync(string options = "", Action<ClientSettings>? adjust = null)
        {
            var process = Run($"serve --address 127.0.0.1:0 --log-format json --until-stdin-closes {options}");
            var heard = string.Empty;
            while (await process.StandardError.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(1)) is { } line)
            {
                heard += line + "\n";
                if (line.Contains("\"listening\"", StringComparison.Ordinal))
                {
                    var port = line.Split("\"port\":")[1].Split(',', '}')[0].Trim();
                    var address = $"127.0.0.1:{port}";
                    _ = process.StandardError.ReadToEndAsync();
                    await ReadyAsync(address, adjust);
                    return new PythonServer(process, address);
                }
            }

            throw new InvalidOperationException($"the server ended before it listened:\n{heard}");
        }

        /// <summary>Run `scenewright` with these arguments, its output to be read.</summary>
        public static Process Run(string arguments)
        {
            var start = new ProcessStartInfo(Command(), arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardError = true,
                RedirectStandardOutput = true,
                WorkingDirectory = Root,
            };
            return Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} does not start");
        }

        public async ValueTask DisposeAsync()
        {
            _process.StandardInput.Close();
            await Task.WhenAny(_process.WaitForExitAsync(), Task.Delay(10_000));
            if (!_process.HasExited)
            {
                _process.Kill(entireProcessTree: true);
            }

            _process.Dispose();
        }

        private static async Task ReadyAsync(string address, Action<ClientSettings>? adjust)
        {
            // While the model loads, calls are tried again until it has.
            var settings = new ClientSettings { Address = address, Timeout = TimeSpan.FromSeconds(120), MaxAttempts = 1000 };
            adjust?.Invoke(settings);
            using var client = new ScenewrightClient(settings);
            await client.GetModelAsync();
        }

        private static string Command()
        {
            var given = Environment.GetEnvironmentVariable("SCENEWRIGHT_COMMAND");
            var here = Path.Combine(Root, ".venv", "bin", "scenewright");
            return !string.IsNullOrEmpty(given) ? given : File.Exists(here) ? here : "scenewright";
        }

        private static string FindRoot()
        {
            var folder = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(folder, "proto", "generate.py")))
            {
                folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("the repository was not found");
            }

            return folder;
        }
    }
}
