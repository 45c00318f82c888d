#nullable enable
using System;
using System.Net.Http;
using System.Security.Authentication;
using System.Threading;
using System.Threading.Tasks;
using Grpc.Core;
using Grpc.Net.Client;

namespace Scenewright
{
    /// <summary>Channels to the server, and what went wrong with them in words.</summary>
    internal static class Transport
    {
        /// <summary>A channel with a connection of its own, which ends with it.</summary>
        public static GrpcChannel Open(ClientSettings settings)
        {
            var options = new GrpcChannelOptions
            {
                MaxReceiveMessageSize = null,
                MaxSendMessageSize = null,
                MaxRetryAttempts = null,
                DisposeHttpClient = settings.CreateHandler != null,
                HttpHandler = settings.CreateHandler?.Invoke(),
            };
            return GrpcChannel.ForAddress(settings.Uri, options);
        }

        /// <summary>The headers of a call.</summary>
        public static async ValueTask<Metadata> HeadersAsync(ClientSettings settings, CancellationToken cancel)
        {
            var headers = new Metadata();
            var token = settings.Token == null ? null : await settings.Token(cancel).ConfigureAwait(false);
            if (!string.IsNullOrEmpty(token))
            {
                headers.Add("authorization", $"Bearer {token}");
            }

            return headers;
        }

        /// <summary>What a developer should look at, where the connection is at fault and not the server; else null.</summary>
        public static string? Explain(RpcException broken, string address)
        {
            if (broken.StatusCode == StatusCode.Unimplemented)
            {
                return $"the server at {address} does not have this method: it is older than this package, or not Scenewright";
            }

            var authentication = Inner<AuthenticationException>(broken);
            if (authentication != null)
            {
                return $"no TLS with {address}: {authentication.Message} (does the server speak TLS, and is its certificate trusted?)";
            }

            var http = Inner<HttpRequestException>(broken);
            var refused = Inner<System.Net.Sockets.SocketException>(broken);
            if (refused != null && broken.StatusCode == StatusCode.Unavailable)
            {
                return $"no server answers at {address}: {refused.Message} (is `scenewright serve` running, and is the port right?)";
            }

            return http == null
                ? null
                : $"the connection to {address} broke: {http.Message} (a server with TLS needs Tls, one without must not have it)";
        }

        private static T? Inner<T>(RpcException broken)
            where T : Exception
        {
            for (var at = broken.Status.DebugException ?? broken.InnerException; at != null; at = at.InnerException)
            {
                if (at is T found)
                {
                    return found;
                }
            }

            return null;
        }
    }
}
