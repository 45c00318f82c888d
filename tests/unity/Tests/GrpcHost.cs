#nullable enable
using System;
using System.Collections.Generic;
using System.IO.Pipelines;
using System.Net;
using System.Threading.Tasks;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Scenewright.Tests
{
    /// <summary>
    /// A gRPC server on Kestrel that does what a test says: gRPC's framing by hand, so that it can also do what a good server
    /// never would.
    /// </summary>
    internal sealed class GrpcHost : IAsyncDisposable
    {
        private readonly WebApplication _app;

        private GrpcHost(WebApplication app) => _app = app;

        /// <summary>Host and port.</summary>
        public string Address { get; private set; } = string.Empty;

        /// <summary>Serve each of these methods, by its path without the package.</summary>
        public static async Task<GrpcHost> StartAsync(
            IReadOnlyDictionary<string, Func<GrpcCall, Task>> methods, bool tls = false)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.ConfigureKestrel(options =>
            {
                options.Limits.MaxRequestBodySize = null;
                options.Limits.MinRequestBodyDataRate = null;
                options.Limits.MinResponseDataRate = null;
                options.Listen(IPAddress.Loopback, 0, listen =>
                {
                    listen.Protocols = HttpProtocols.Http2;
                    if (tls)
                    {
                        listen.UseHttps(Certificates.Make());
                    }
                });
            });
            builder.WebHost.UseKestrelHttpsConfiguration();
            var app = builder.Build();
            app.Run(context => ServeAsync(context, methods));
            await app.StartAsync();
            var host = new GrpcHost(app);
            foreach (var url in app.Urls)
            {
                host.Address = new Uri(url).Authority;
            }

            return host;
        }

        /// <summary>A server of conversations.</summary>
        public static Task<GrpcHost> StartAsync(Func<GrpcCall, Task> converse) => StartAsync(
            new Dictionary<string, Func<GrpcCall, Task>> { ["DialogueService/Converse"] = converse });

        public async ValueTask DisposeAsync()
        {
            using var now = new System.Threading.CancellationTokenSource();
            now.Cancel();
            await _app.StopAsync(now.Token);
            await _app.DisposeAsync();
        }

        private static async Task ServeAsync(HttpContext context, IReadOnlyDictionary<string, Func<GrpcCall, Task>> methods)
        {
            var call = new GrpcCall(context);
            var name = context.Request.Path.Value!.Replace("/scenewright.v1.", string.Empty, StringComparison.Ordinal);
            context.Response.ContentType = "application/grpc";
            if (!methods.TryGetValue(name, out var method))
            {
                call.Fail(12, "Method not found!");
                return;
            }

            try
            {
                await method(call);
                call.End();
            }
            catch (Exception gone) when (gone is OperationCanceledException || gone is System.IO.IOException)
            {
            }
            catch (InvalidOperationException) when (context.RequestAborted.IsCancellationRequested)
            {
            }
        }
    }

    /// <summary>One call, as its server sees it.</summary>
    internal sealed class GrpcCall
    {
        private readonly HttpContext _context;
        private bool _ended;

        public GrpcCall(HttpContext context) => _context = context;

        /// <summary>The client is gone.</summary>
        public System.Threading.CancellationToken Gone => _context.RequestAborted;

        /// <summary>A header of the call; empty without one.</summary>
        public string Header(string name) => _context.Request.Headers[name].ToString();

        /// <summary>The client's next message; null when it has no more to say.</summary>
        public async Task<T?> ReadAsync<T>()
            where T : class, IMessage<T>, new()
        {
            var reader = _context.Request.BodyReader;
            var head = await reader.ReadAtLeastAsync(5, Gone);
            if (head.Buffer.Length < 5)
            {
                return null;
            }

            var bytes = new byte[5];
            Copy(head.Buffer, bytes);
            var length = (bytes[1] << 24) | (bytes[2] << 16) | (bytes[3] << 8) | bytes[4];
            reader.AdvanceTo(head.Buffer.GetPosition(5));
            if (length == 0)
            {
                return new T();
            }

            var body = await reader.ReadAtLeastAsync(length, Gone);
            var message = new T();
            message.MergeFrom(body.Buffer.Slice(0, length));
            reader.AdvanceTo(body.Buffer.GetPosition(length));
            return message;
        }

        /// <summary>Say something.</summary>
        public async Task WriteAsync(IMessage message)
        {
            var size = message.CalculateSize();
            var bytes = new byte[5 + size];
            (bytes[1], bytes[2], bytes[3], bytes[4]) = ((byte)(size >> 24), (byte)(size >> 16), (byte)(size >> 8), (byte)size);
            message.ToByteArray().CopyTo(bytes, 5);
            await _context.Response.BodyWriter.WriteAsync(bytes, Gone);
        }

        /// <summary>End with a status.</summary>
        public void Fail(int code, string message, byte[]? details = null, string? pushbackMs = null)
        {
            _ended = true;
            _context.Response.AppendTrailer("grpc-status", $"{code}");
            _context.Response.AppendTrailer("grpc-message", message);
            if (details != null)
            {
                _context.Response.AppendTrailer("grpc-status-details-bin", Convert.ToBase64String(details));
            }

            if (pushbackMs != null)
            {
                _context.Response.AppendTrailer("grpc-retry-pushback-ms", pushbackMs);
            }
        }

        /// <summary>Break the stream, as a network does.</summary>
        public void Abort()
        {
            _ended = true;
            _context.Abort();
        }

        /// <summary>End in peace, unless it has ended.</summary>
        public void End()
        {
            if (!_ended)
            {
                Fail(0, string.Empty);
            }
        }

        private static void Copy(System.Buffers.ReadOnlySequence<byte> from, byte[] to)
        {
            var at = 0;
            foreach (var part in from.Slice(0, to.Length))
            {
                part.Span.CopyTo(to.AsSpan(at));
                at += part.Length;
            }
        }
    }
}
