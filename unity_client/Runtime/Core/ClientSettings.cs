#nullable enable
using System;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;

namespace Scenewright
{
    /// <summary>How a server is reached. Everything that a test or a platform replaces is given here.</summary>
    public sealed class ClientSettings
    {
        /// <summary>Where a server listens that runs on this machine.</summary>
        public const string DefaultAddress = "127.0.0.1:7447";

        /// <summary>Host and port of the server.</summary>
        public string Address { get; set; } = DefaultAddress;

        /// <summary>Speak TLS.</summary>
        public bool Tls { get; set; }

        /// <summary>The model's name; empty for the server's first.</summary>
        public string Model { get; set; } = string.Empty;

        /// <summary>
        /// Gives the bearer token for a call, or null for none; asked before every call, so that a token can be renewed.
        /// </summary>
        public Func<CancellationToken, ValueTask<string?>>? Token { get; set; }

        /// <summary>Bounds a whole call, its retries included.</summary>
        public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(60);

        /// <summary>Tries of one call, the first included.</summary>
        public int MaxAttempts { get; set; } = 4;

        /// <summary>
        /// A server that owes something in a conversation and is silent for so long counts as lost.
        /// </summary>
        public TimeSpan Stall { get; set; } = TimeSpan.FromSeconds(10);

        /// <summary>
        /// Makes the handler of one connection, which speaks HTTP/2 and is disposed with it. Unset: .NET's own, which
        /// Unity's runtime lacks.
        /// </summary>
        public Func<HttpMessageHandler>? CreateHandler { get; set; }

        /// <summary>The clock of every wait.</summary>
        public TimeProvider Time { get; set; } = TimeProvider.System;

        /// <summary>Is told, once each, of what is odd but harmless: an event of a kind that is not known.</summary>
        public Action<string>? Warn { get; set; }

        /// <summary>Is told of errors that nobody waits for.</summary>
        public Action<Exception>? UnhandledError { get; set; }

        internal Uri Uri
        {
            get
            {
                var scheme = Tls ? "https" : "http";
                if (Address.Length == 0 || Address.Contains("//", StringComparison.Ordinal)
                    || !Uri.TryCreate($"{scheme}://{Address}", UriKind.Absolute, out var uri) || uri.PathAndQuery != "/")
                {
                    throw new InvalidInputException($"address: expected HOST:PORT, got '{Address}'");
                }

                return uri;
            }
        }
    }
}
