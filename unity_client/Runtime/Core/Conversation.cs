#nullable enable
using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using Google.Protobuf;

namespace Scenewright
{
    /// <summary>
    /// One live conversation, over as many connections as it takes; made by <see cref="ScenewrightClient.ConverseAsync"/>.
    /// Whatever is sent is kept until the server has taken it in; when a connection breaks, another is made and the
    /// conversation goes on where it was, without losing or doubling an event. Everything may be called from any thread;
    /// events have one reader. Errors that end the conversation are thrown by whoever reads or sends.
    /// </summary>
    public sealed class Conversation : IAsyncDisposable
    {
        private const long MaxKeptBytes = 8 << 20;
        private const int MaxUnreadEvents = 4096;
        private const double MaxLeadS = 8;
        private const int ChunkMs = 100;
        private static readonly TimeSpan _farewell = TimeSpan.FromMilliseconds(50);

        private readonly ClientSettings _settings;
        private readonly ConversationSetup _setup;
        private readonly V1.ConverseRequest _first;
        private readonly Attempts _attempts;
        private readonly Patience _patience;
        private readonly Outbox _outbox = new Outbox(MaxKeptBytes);
        private readonly Channel<LiveEvent> _events = Channel.CreateUnbounded<LiveEvent>();
        private readonly TaskCompletionSource<bool> _begun =
            new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Signal _more = new Signal();
        private readonly Signal _room = new Signal();
        private readonly Signal _resumed = new Signal();
        private readonly CancellationTokenSource _abort = new CancellationTokenSource();
        private readonly object _gate = new object();
        private CancellationTokenSource? _connection;
        private Task _running = Task.CompletedTask;
        private volatile bool _finishing;
        private volatile bool _over;
        private volatile bool _paused;
        private ScenewrightException? _error;
        private string _handle = string.Empty;
        private double _keptS;
        private ulong _lastEventSeq;
        private double _audioUntil;
        private bool _warned;

        internal Conversation(ClientSettings settings, ConversationSetup setup, Random random)
        {
            _settings = settings;
            _setup = setup;
            _first = Wire.Setup(setup, settings.Model);
            _attempts = new Attempts(settings, random);
            _patience = new Patience(random);
        }

        /// <summary>The session that it talks in; empty before it begins.</summary>
        public string SessionId { get; private set; } = string.Empty;

        /// <summary>The model that answers.</summary>
        public string Model { get; private set; } = string.Empty;

        /// <summary>Connections that were made.</summary>
        public int Connections { get; private set; }

        /// <summary>Frames that are kept because the server has not taken them in: send no other while there are two.</summary>
        public int FramesKept => _outbox.Frames;

        /// <summary>It is over: nothing more will come.</summary>
        public bool IsOver => _over;

        /// <summary>Done when the conversation is over and nothing of it runs any more; it never fails.</summary>
        public Task Completion => _running;

        /// <summary>The next event, if one is there; for whoever looks once a frame. Throws what ended the conversation.</summary>
        public bool TryRead(out LiveEvent? next)
        {
            if (_events.Reader.TryRead(out next))
            {
                return true;
            }

            return _over && _error != null && _events.Reader.Completion.IsCompleted ? throw _error : false;
        }

        /// <summary>The events as they come, to the conversation's end.</summary>
        public IAsyncEnumerable<LiveEvent> ReadAsync(CancellationToken cancel = default) => _events.Reader.ReadAllAsync(cancel);

        /// <summary>
        /// Sound: 16-bit little-endian mono samples at the setup's rate; they are copied. Waits while 8 s are ahead of the clock.
        /// </summary>
        public async ValueTask<ulong> SendAudioAsync(ReadOnlyMemory<byte> samples, CancellationToken cancel = default)
        {
            var rate = _setup.SampleRateHz;
            if (rate == 0)
            {
                throw new InvalidInputException("audio: the conversation was begun with a SampleRateHz of 0");
            }

            if (samples.Length == 0 || samples.Length % 2 != 0)
            {
                throw new InvalidInputException($"audio: expected an even number of bytes above 0, got {samples.Length}");
            }

            ulong seq = 0;
            var step = 2 * (rate * ChunkMs / 1000);
            for (var at = 0; at < samples.Length; at += step)
            {
                var chunk = samples.Slice(at, Math.Min(step, samples.Length - at));
                double ahead;
                lock (_gate)
                {
                    var now = Clock.Seconds(_settings.Time);
                    _audioUntil = Math.Max(_audioUntil, now) + (chunk.Length / 2.0 / rate);
                    ahead = _audioUntil - now;
                }

                await Clock.Wait(_settings.Time, TimeSpan.FromSeconds(ahead - MaxLeadS), cancel).ConfigureAwait(false);
                var audio = new V1.AudioChunk { Data = ByteString.CopyFrom(chunk.Span) };
                seq = await SendAsync(new V1.ConverseRequest { Audio = audio }, null, cancel).ConfigureAwait(false);
            }

            return seq;
        }

        /// <summary>A typed turn.</summary>
        public ValueTask<ulong> SendTextAsync(string text, CancellationToken cancel = default) =>
            SendAsync(new V1.ConverseRequest { Text = new V1.TextTurn { Text = text } }, null, cancel);

        /// <summary>What the camera sees now; give it a name, and keep its capture under it.</summary>
        public ValueTask<ulong> SendFrameAsync(Frame frame, CancellationToken cancel = default)
        {
            _ = frame ?? throw new ArgumentNullException(nameof(frame));
            return SendAsync(new V1.ConverseRequest { Image = Wire.Image(frame) }, frame.Release, cancel);
        }

        /// <summary>The whole scene as it is now.</summary>
        public ValueTask<ulong> SendSceneAsync(SceneGraph scene, CancellationToken cancel = default)
        {
            var update = new V1.SceneUpdate { Snapshot = Wire.Scene(scene ?? throw new ArgumentNullException(nameof(scene))) };
            return SendAsync(new V1.ConverseRequest { SceneUpdate = update }, null, cancel);
        }

        /// <summary>What has changed in the scene.</summary>
        public ValueTask<ulong> SendSceneAsync(SceneDelta delta, CancellationToken cancel = default)
        {
            var update = new V1.SceneUpdate { Delta = Wire.Delta(delta ?? throw new ArgumentNullException(nameof(delta))) };
            return SendAsync(new V1.ConverseRequest { SceneUpdate = update }, null, cancel);
        }

        /// <summary>Where the user stands now.</summary>
        public ValueTask<ulong> SendViewpointAsync(Viewpoint viewpoint, CancellationToken cancel = default)
        {
            _ = viewpoint ?? throw new ArgumentNullException(nameof(viewpoint));
            return SendAsync(new V1.ConverseRequest { Viewpoint = Wire.Viewpoint(viewpoint) }, null, cancel);
        }

        /// <summary>What the user points at; null: at nothing any more.</summary>
        public ValueTask<ulong> SendPointerAsync(
            WorldRay? ray, PointerKind kind = PointerKind.Unknown, CancellationToken cancel = default)
        {
            var message = ray == null
                ? new V1.ConverseRequest { PointerEnd = new V1.PointerEnd() }
                : new V1.ConverseRequest { Pointer = Wire.Pointer(ray.Value, kind) };
            return SendAsync(message, null, cancel);
        }

        /// <summary>Other instructions from the next turn on.</summary>
        public ValueTask<ulong> SendInstructionsAsync(string instructions, CancellationToken cancel = default)
        {
            var update = new V1.SessionUpdate { Instructions = instructions };
            return SendAsync(new V1.ConverseRequest { SessionUpdate = update }, null, cancel);
        }

        /// <summary>Stop the answer that is under way; without one it does nothing.</summary>
        public ValueTask<ulong> InterruptAsync(CancellationToken cancel = default) =>
            SendAsync(new V1.ConverseRequest { Interrupt = new V1.Interrupt() }, null, cancel);

        /// <summary>Push to talk: pressed.</summary>
        public ValueTask<ulong> StartActivityAsync(CancellationToken cancel = default) =>
            SendAsync(new V1.ConverseRequest { ActivityStart = new V1.ActivityStart() }, null, cancel);

        /// <summary>Push to talk: released.</summary>
        public ValueTask<ulong> EndActivityAsync(CancellationToken cancel = default) =>
            SendAsync(new V1.ConverseRequest { ActivityEnd = new V1.ActivityEnd() }, null, cancel);

        /// <summary>
        /// What of an answer's text has been heard or read: its beginning, or with <paramref name="finished"/> all of it.
        /// </summary>
        public ValueTask<ulong> ReportPlaybackAsync(
            string responseId, string presented, bool finished = false, CancellationToken cancel = default)
        {
            var report = new V1.PlaybackReport
            {
                ResponseId = responseId,
                PresentedChars = (uint)CodePoints.Count(presented),
                Finished = finished,
            };
            return SendAsync(new V1.ConverseRequest { PlaybackReport = report }, null, cancel);
        }

        /// <summary>Nothing more will be sent: the turn under way is answered to its end, then the events end.</summary>
        public void Finish()
        {
            _finishing = true;
            _more.Pulse();
        }

        /// <summary>Close the connection and wait, as an app must in the background; what is sent is kept.</summary>
        public void Pause()
        {
            _paused = true;
            CancellationTokenSource? connection;
            lock (_gate)
            {
                connection = _connection;
            }

            try
            {
                connection?.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It has just ended by itself.
            }
        }

        /// <summary>Go on after <see cref="Pause"/>, where the conversation was.</summary>
        public void Resume()
        {
            _paused = false;
            _resumed.Pulse();
        }

        /// <summary>
        /// End the conversation: an answer under way is stopped, and the server has so long to say that it knows. Events not
        /// yet read stay readable.
        /// </summary>
        public async ValueTask CloseAsync(TimeSpan grace)
        {
            if (!_over && !_finishing)
            {
                _outbox.Add(new V1.ConverseRequest { Interrupt = new V1.Interrupt() }, null);
            }

            Finish();
            if (!_paused)
            {
                using var stop = new CancellationTokenSource();
                await Task.WhenAny(_running, Clock.Wait(_settings.Time, grace, stop.Token)).ConfigureAwait(false);
                stop.Cancel();
            }

            _abort.Cancel();
            await _running.ConfigureAwait(false);
        }

        /// <summary>End the conversation at once; within 100 ms nothing of it is left.</summary>
        public ValueTask DisposeAsync() => CloseAsync(_farewell);

        /// <summary>Connect, and return when the conversation has begun.</summary>
        internal async Task BeginAsync(CancellationToken cancel)
        {
            _running = Task.Run(RunAsync, CancellationToken.None);
            try
            {
                await Clock.Until(_begun.Task, cancel).ConfigureAwait(false);
                if (await _begun.Task.ConfigureAwait(false))
                {
                    return;
                }
            }
            catch (OperationCanceledException)
            {
                _abort.Cancel();
                await _running.ConfigureAwait(false);
                throw;
            }

            throw _error ?? new EndedException("the conversation is over");
        }

        private async ValueTask<ulong> SendAsync(V1.ConverseRequest message, Action? release, CancellationToken cancel)
        {
            try
            {
                while (true)
                {
                    var room = _room.Next;
                    if (_error != null)
                    {
                        throw _error;
                    }

                    if (_over || _finishing)
                    {
                        throw new EndedException("the conversation is over");
                    }

                    if (!_outbox.IsFull)
                    {
                        break;
                    }

                    await Clock.Until(room, cancel).ConfigureAwait(false);
                }
            }
            catch
            {
                release?.Invoke();
                throw;
            }

            var seq = _outbox.Add(message, release);
            _more.Pulse();
            return seq;
        }

        private async Task RunAsync()
        {
            ScenewrightException? error = null;
            try
            {
                while (error == null && !await ConnectOnceAsync().ConfigureAwait(false))
                {
                }
            }
            catch (OperationCanceledException) when (_abort.IsCancellationRequested)
            {
            }
            catch (ScenewrightException final)
            {
                error = final;
            }
#pragma warning disable CA1031 // whatever it is, whoever reads the events is to know it
            catch (Exception unexpected)
            {
                error = new ServerException($"the conversation failed: {unexpected.Message}", unexpected);
                _settings.UnhandledError?.Invoke(unexpected);
            }
#pragma warning restore CA1031
            finally
            {
                End(error);
            }
        }

        /// <summary>One connection and the wait after it; true when the conversation has ended in peace.</summary>
        private async Task<bool> ConnectOnceAsync()
        {
            while (true)
            {
                var resumed = _resumed.Next;
                if (!_paused)
                {
                    break;
                }

                await Clock.Until(resumed, _abort.Token).ConfigureAwait(false);
            }

            using var connection = CancellationTokenSource.CreateLinkedTokenSource(_abort.Token);
            lock (_gate)
            {
                _connection = connection;
            }

            try
            {
                if (_paused)
                {
                    return false;
                }

                await ConverseAsync(connection.Token).ConfigureAwait(false);
                return true;
            }
            catch (Exception) when (_abort.IsCancellationRequested)
            {
                throw new OperationCanceledException(_abort.Token);
            }
            catch (Exception broken) when (connection.IsCancellationRequested
                && (broken is OperationCanceledException || broken is ScenewrightException))
            {
                _patience.Connected();  // paused; perhaps resumed already
                return false;
            }
            catch (ScenewrightException broken)
            {
                var delay = _handle.Length == 0
                    ? _attempts.DelayAfter(broken)
                    : _patience.DelayAfter(broken, Clock.Seconds(_settings.Time), _keptS);
                if (delay == null)
                {
                    throw;
                }

                if (_handle.Length > 0)
                {
                    _events.Writer.TryWrite(new Disconnected(broken));
                }

                await Clock.Wait(_settings.Time, delay.Value, _abort.Token).ConfigureAwait(false);
                return false;
            }
            finally
            {
                lock (_gate)
                {
                    _connection = null;
                }
            }
        }

        private void End(ScenewrightException? error)
        {
            _error = error;
            _over = true;
            _outbox.Clear();
            _events.Writer.TryComplete(error);
            _begun.TrySetResult(false);
            _room.Pulse();
            _setup.Frame?.Release?.Invoke();
        }

        /// <summary>One connection, from its first message to its end; returns when the conversation has ended in peace.</summary>
        private async Task ConverseAsync(CancellationToken cancel)
        {
            Connections++;
            var headers = await Transport.HeadersAsync(_settings, cancel).ConfigureAwait(false);
            using var link = new Link(_settings, headers, Connections, _setup.Log);
            using var closing = cancel.Register(link.Dispose);
            await OpenAsync(link, cancel).ConfigureAwait(false);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            var reading = ReceiveAsync(link);
            var watching = link.WatchAsync(() => _outbox.AwaitsAnswer, stop.Token);
            var writing = SendAllAsync(link, stop.Token);
            var done = await Task.WhenAny(reading, watching, writing).ConfigureAwait(false);
            if (done == writing && writing.IsCompletedSuccessfully)
            {
                done = await Task.WhenAny(reading, watching).ConfigureAwait(false);
            }

            stop.Cancel();
            link.Dispose();
            foreach (var task in new[] { reading, watching, writing })
            {
                if (task != done)
                {
                    await Quiet(task).ConfigureAwait(false);
                }
            }

            cancel.ThrowIfCancellationRequested();
            await done.ConfigureAwait(false);
        }

        private static async Task Quiet(Task task)
        {
            try
            {
                await task.ConfigureAwait(false);
            }
            catch (Exception other) when (other is ScenewrightException || other is OperationCanceledException)
            {
            }
        }

        private async Task OpenAsync(Link link, CancellationToken cancel)
        {
            var resumed = _handle.Length > 0;
            var complete = await link
                .OpenAsync(resumed ? Wire.Resume(_handle, _lastEventSeq) : _first, cancel)
                .ConfigureAwait(false);
            (_handle, SessionId, Model) = (complete.ResumeHandle, complete.SessionId, complete.Model);
            _keptS = Wire.Span(complete.ResumeTtl).TotalSeconds;
            if (!resumed && complete.Contract < Wire.Contract)
            {
                _settings.Warn?.Invoke(
                    $"the server ({complete.ServerVersion}) is older than this package: it speaks contract "
                    + $"{complete.Contract}, expected {Wire.Contract} or more; something may be missing");
            }

            var rate = _setup.SampleRateHz;
            var lost = _outbox.Rewind(complete.LastConsumedClientSeq, (long)(MaxLeadS * rate) * 2);
            _patience.Connected();
            var lostAudio = lost > 0 ? TimeSpan.FromSeconds(lost / 2.0 / rate) : TimeSpan.Zero;
            _events.Writer.TryWrite(new Connected(SessionId, resumed, lostAudio));
            _begun.TrySetResult(true);
            _room.Pulse();
        }

        private async Task SendAllAsync(Link link, CancellationToken cancel)
        {
            while (true)
            {
                var more = _more.Next;
                var message = _outbox.Next();
                if (message != null)
                {
                    if (!await link.WriteAsync(message).ConfigureAwait(false))
                    {
                        return;
                    }
                }
                else if (_finishing)
                {
                    await link.HalfCloseAsync().ConfigureAwait(false);
                    return;
                }
                else
                {
                    await Clock.Until(more, cancel).ConfigureAwait(false);
                }
            }
        }

        private async Task ReceiveAsync(Link link)
        {
            while (await link.ReadAsync().ConfigureAwait(false) is { } response)
            {
                _patience.Heard();
                Take(response);
            }
        }

        private void Take(V1.ConverseResponse response)
        {
            if (response.ResumeUpdate != null)
            {
                _outbox.Acknowledge(response.ResumeUpdate.LastConsumedClientSeq);
                _room.Pulse();
                return;
            }

            if (response.EventSeq > 0)
            {
                if (response.EventSeq != _lastEventSeq + 1)
                {
                    throw new ServerException($"event {response.EventSeq} came after event {_lastEventSeq}");
                }

                _lastEventSeq = response.EventSeq;
            }

            if (_events.Reader.Count >= MaxUnreadEvents)
            {
                throw new ExhaustedException($"{_events.Reader.Count} events are unread, at most {MaxUnreadEvents} may be");
            }

            var next = Wire.Event(response);
            if (next != null)
            {
                _events.Writer.TryWrite(next);
            }
            else if (!_warned && response.SetupComplete == null)
            {
                _warned = true;
                _settings.Warn?.Invoke("the server says something of a kind that this package does not know; it is ignored");
            }
        }
    }
}
