#nullable enable
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Grpc.Core;
using Grpc.Net.Client;

namespace Scenewright
{
    /// <summary>
    /// One connection of a conversation: a Converse stream on a channel of its own. A server that owes something and is silent
    /// for too long counts as lost. Reading throws ScenewrightException; writing to a lost connection does nothing.
    /// </summary>
    internal sealed class Link : IDisposable
    {
        private readonly ClientSettings _settings;
        private readonly int _number;
        private readonly ConversationLog? _log;
        private readonly GrpcChannel _channel;
        private readonly AsyncDuplexStreamingCall<V1.ConverseRequest, V1.ConverseResponse> _call;
        private double _owedSince = double.NaN;
        private readonly object _gate = new object();
        private bool _isOver;

        /// <summary>A connection, `number` counted from 1 in its conversation's log.</summary>
        public Link(ClientSettings settings, Metadata headers, int number, ConversationLog? log)
        {
            (_settings, _number, _log) = (settings, number, log);
            _channel = Transport.Open(settings);
            _call = new V1.DialogueService.DialogueServiceClient(_channel).Converse(headers);
        }

        public void Dispose()
        {
            _call.Dispose();
            _channel.Dispose();
        }

        /// <summary>Send the setup, and give the server's answer to it.</summary>
        public async Task<V1.SetupComplete> OpenAsync(V1.ConverseRequest first, CancellationToken cancel)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            var opening = OpenPatientlyAsync(first);
            var stalled = Clock.Wait(_settings.Time, _settings.Stall, stop.Token);
            var done = await Task.WhenAny(opening, stalled).ConfigureAwait(false);
            stop.Cancel();
            if (done == opening)
            {
                return await opening.ConfigureAwait(false);
            }

            Dispose();
            await Quiet(opening).ConfigureAwait(false);
            cancel.ThrowIfCancellationRequested();
            throw Silent();
        }

        /// <summary>Send one message; false if the connection is lost.</summary>
        public async Task<bool> WriteAsync(V1.ConverseRequest message)
        {
            if (!Log(log => log.Sent(_number, message)))
            {
                return false;
            }

            try
            {
                await _call.RequestStream.WriteAsync(message).ConfigureAwait(false);
                return true;
            }
            catch (Exception gone) when (IsGone(gone))
            {
                return false;  // reading tells why
            }
        }

        /// <summary>Nothing more will be written.</summary>
        public async Task HalfCloseAsync()
        {
            if (!Log(log => log.HalfClosed(_number)))
            {
                return;
            }

            try
            {
                await _call.RequestStream.CompleteAsync().ConfigureAwait(false);
            }
            catch (Exception gone) when (IsGone(gone))
            {
            }
        }

        /// <summary>What the server says next; null at the end of a stream that ended in peace.</summary>
        public async Task<V1.ConverseResponse?> ReadAsync()
        {
            try
            {
                if (!await _call.ResponseStream.MoveNext(CancellationToken.None).ConfigureAwait(false))
                {
                    Ended("OK");
                    return null;
                }
            }
            catch (RpcException broken)
            {
                var error = Errors.FromRpc(broken, _settings.Address);
                Ended(error.Code);
                throw error;
            }
            catch (Exception gone) when (IsGone(gone))
            {
                Ended("CANCELLED");
                throw Errors.Make(StatusCode.Cancelled, "the connection was closed", gone);
            }

            Volatile.Write(ref _owedSince, double.NaN);
            var response = _call.ResponseStream.Current;
            Log(log => log.Came(_number, response));
            return response;
        }

        /// <summary>Throws UnavailableException once the server `owes` something and is silent for too long.</summary>
        public async Task WatchAsync(Func<bool> owes, CancellationToken cancel)
        {
            while (true)
            {
                await Clock.Wait(_settings.Time, _settings.Stall / 4, cancel).ConfigureAwait(false);
                var now = Clock.Seconds(_settings.Time);
                if (!owes())
                {
                    Volatile.Write(ref _owedSince, double.NaN);
                }
                else if (double.IsNaN(Volatile.Read(ref _owedSince)))
                {
                    Volatile.Write(ref _owedSince, now);
                }
                else if (now - Volatile.Read(ref _owedSince) >= _settings.Stall.TotalSeconds)
                {
                    throw Silent();
                }
            }
        }

        private static bool IsGone(Exception error) =>
            error is RpcException || error is InvalidOperationException || error is IOException || error is OperationCanceledException;

        private async Task<V1.SetupComplete> OpenPatientlyAsync(V1.ConverseRequest first)
        {
            await WriteAsync(first).ConfigureAwait(false);
            var response = await ReadAsync().ConfigureAwait(false);
            return response?.SetupComplete ?? throw new ServerException("the server's first event was not setup_complete");
        }

        private static async Task Quiet(Task task)
        {
            try
            {
                await task.ConfigureAwait(false);
            }
            catch (ScenewrightException)
            {
            }
        }

        private ScenewrightException Silent()
        {
            Ended("UNAVAILABLE");
            var s = _settings.Stall.TotalSeconds;
            return Errors.Make(StatusCode.Unavailable, FormattableString.Invariant($"nothing came from the server for {s:g4} s"), null);
        }

        private void Ended(string status)
        {
            lock (_gate)
            {
                Log(log => log.Ended(_number, status));
                _isOver = true;
            }
        }

        /// <summary>Write a line, unless the connection has ended: nothing comes after its end. Whether it goes on.</summary>
        private bool Log(Action<ConversationLog> write)
        {
            lock (_gate)
            {
                if (!_isOver && _log != null)
                {
                    write(_log);
                }

                return !_isOver;
            }
        }
    }
}
