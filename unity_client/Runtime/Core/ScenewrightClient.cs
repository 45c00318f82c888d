#nullable enable
using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;

namespace Scenewright
{
    /// <summary>What goes with a question, beside its words.</summary>
    public sealed class AskOptions
    {
        /// <summary>A new frame to look at.</summary>
        public Frame? Frame { get; set; }

        /// <summary>A new scene.</summary>
        public SceneGraph? Scene { get; set; }

        /// <summary>What the user points at while asking.</summary>
        public WorldRay? Pointer { get; set; }

        /// <summary>BCP 47 tag of the answer; empty: the question's language.</summary>
        public string Language { get; set; } = string.Empty;

        /// <summary>A session that remembers; empty: the question stands alone.</summary>
        public string SessionId { get; set; } = string.Empty;

        /// <summary>Who the model is and how it is to speak; null leaves a session's as they are.</summary>
        public string? Instructions { get; set; }

        /// <summary>Bound on the answer's length; null leaves it to the server.</summary>
        public int? MaxNewTokens { get; set; }
    }

    /// <summary>What a session is to be like.</summary>
    public sealed class SessionSetup
    {
        /// <summary>How long it lives unused; null: as long as the server allows.</summary>
        public TimeSpan? Ttl { get; set; }

        /// <summary>BCP 47 tag of its answers; empty: each in its question's language.</summary>
        public string Language { get; set; } = string.Empty;

        /// <summary>Who the model is and how it is to speak.</summary>
        public string Instructions { get; set; } = string.Empty;

        /// <summary>What was said before.</summary>
        public IReadOnlyList<PastTurn> History { get; set; } = Array.Empty<PastTurn>();
    }

    /// <summary>
    /// A Scenewright server. Everything may be called from any thread; streams are read on the thread pool. Failures are
    /// <see cref="ScenewrightException"/>s, cancelled calls OperationCanceledException.
    /// </summary>
    public sealed class ScenewrightClient : IDisposable
    {
        private readonly ClientSettings _settings;
        private readonly Random _random = new Random();
        private readonly object _gate = new object();
        private GrpcChannel? _channel;
        private bool _disposed;

        /// <summary>A client of the server that the settings name; it connects when it is first used.</summary>
        public ScenewrightClient(ClientSettings settings)
        {
            _settings = settings ?? throw new ArgumentNullException(nameof(settings));
            _ = settings.Uri;
        }

        /// <summary>Say what is there: a frame, a scene, or both.</summary>
        public async Task<Answer> DescribeAsync(
            Frame? frame, SceneGraph? scene = null, string language = "", CancellationToken cancel = default)
        {
            var request = new V1.DescribeSceneRequest
            {
                Model = _settings.Model,
                Image = Wire.Image(frame),
                Scene = Wire.Scene(scene),
                Language = language,
            };
            var said = await CallAsync(
                (invoker, options) => new V1.SceneService.SceneServiceClient(invoker).DescribeSceneAsync(request, options),
                cancel).ConfigureAwait(false);
            var finish = new Finish(
                Wire.Reason(said.FinishReason),
                Wire.Usage(said.Usage),
                Wire.Timings(said.Timings),
                said.HasConfidence ? said.Confidence : (float?)null);
            return new Answer(null, said.Text, said.Annotations.Select(item => new Annotation(item)).ToArray(), finish);
        }

        /// <summary>The same as it is made.</summary>
        public IAsyncEnumerable<AnswerPiece> StreamDescribeAsync(
            Frame? frame, SceneGraph? scene = null, string language = "", CancellationToken cancel = default)
        {
            var request = new V1.StreamDescribeSceneRequest
            {
                Model = _settings.Model,
                Image = Wire.Image(frame),
                Scene = Wire.Scene(scene),
                Language = language,
            };
            return StreamAsync(
                (invoker, options) => new V1.SceneService.SceneServiceClient(invoker).StreamDescribeScene(request, options),
                response => Wire.Piece(response.ResponseEvent),
                cancel);
        }

        /// <summary>Ask a typed question.</summary>
        public Task<Answer> AskAsync(string question, AskOptions? options = null, CancellationToken cancel = default) =>
            WholeAsync(StreamAskAsync(question, options, cancel));

        /// <summary>Ask a spoken question.</summary>
        public Task<Answer> AskAsync(Recording question, AskOptions? options = null, CancellationToken cancel = default) =>
            WholeAsync(StreamAskAsync(question, options, cancel));

        /// <summary>Ask a typed question: what was asked, then the answer as it is made.</summary>
        public IAsyncEnumerable<AnswerPiece> StreamAskAsync(
            string question, AskOptions? options = null, CancellationToken cancel = default)
        {
            _ = question ?? throw new ArgumentNullException(nameof(question));
            var request = Question(options);
            request.Text = question;
            return AskAsync(request, cancel);
        }

        /// <summary>Ask a spoken question: what was heard, then the answer as it is made.</summary>
        public IAsyncEnumerable<AnswerPiece> StreamAskAsync(
            Recording question, AskOptions? options = null, CancellationToken cancel = default)
        {
            _ = question ?? throw new ArgumentNullException(nameof(question));
            var request = Question(options);
            request.Audio = question.Proto;
            return AskAsync(request, cancel);
        }

        /// <summary>Write down speech.</summary>
        public async Task<Transcription> TranscribeAsync(
            Recording recording, string language = "", CancellationToken cancel = default)
        {
            _ = recording ?? throw new ArgumentNullException(nameof(recording));
            var request = new V1.TranscribeRequest { Model = _settings.Model, Audio = recording.Proto, Language = language };
            var said = await CallAsync(
                (invoker, options) => new V1.SpeechService.SpeechServiceClient(invoker).TranscribeAsync(request, options),
                cancel).ConfigureAwait(false);
            return new Transcription(said.Text, said.Confidence, said.NoSpeech, said.DurationS);
        }

        /// <summary>The model that the settings name, or the server's first.</summary>
        public async Task<ModelInfo> GetModelAsync(CancellationToken cancel = default)
        {
            var request = new V1.GetModelRequest { Model = _settings.Model };
            var found = await CallAsync(
                (invoker, options) => new V1.ModelService.ModelServiceClient(invoker).GetModelAsync(request, options),
                cancel).ConfigureAwait(false);
            return new ModelInfo(found.Model, found.ServerVersion, (int)found.Contract);
        }

        /// <summary>Every model that the server has; the first is the one that a request means which names none.</summary>
        public async Task<IReadOnlyList<ModelInfo>> ListModelsAsync(CancellationToken cancel = default)
        {
            var request = new V1.ListModelsRequest();
            var found = await CallAsync(
                (invoker, options) => new V1.ModelService.ModelServiceClient(invoker).ListModelsAsync(request, options),
                cancel).ConfigureAwait(false);
            return found.Models.Select(item => new ModelInfo(item, found.ServerVersion, (int)found.Contract)).ToArray();
        }

        /// <summary>Open a session; gives its id, for <see cref="AskOptions.SessionId"/>.</summary>
        public async Task<string> OpenSessionAsync(SessionSetup? setup = null, CancellationToken cancel = default)
        {
            setup ??= new SessionSetup();
            var request = new V1.CreateSessionRequest
            {
                Model = _settings.Model,
                Ttl = setup.Ttl == null ? null : Duration.FromTimeSpan(setup.Ttl.Value),
                Language = setup.Language,
                Instructions = setup.Instructions,
                Handedness = V1.Handedness.LeftHanded,
            };
            request.History.Add(setup.History.Select(Wire.Past));
            var made = await CallAsync(
                (invoker, options) => new V1.SessionService.SessionServiceClient(invoker).CreateSessionAsync(request, options),
                cancel).ConfigureAwait(false);
            return made.Session.Id;
        }

        /// <summary>End a session; one that is gone already is no error.</summary>
        public async Task CloseSessionAsync(string sessionId, CancellationToken cancel = default)
        {
            var request = new V1.DeleteSessionRequest { SessionId = sessionId };
            try
            {
                await CallAsync(
                    (invoker, options) => new V1.SessionService.SessionServiceClient(invoker).DeleteSessionAsync(request, options),
                    cancel).ConfigureAwait(false);
            }
            catch (NotFoundException)
            {
            }
        }

        /// <summary>Begin a live conversation.</summary>
        public async Task<Conversation> ConverseAsync(ConversationSetup setup, CancellationToken cancel = default)
        {
            _ = setup ?? throw new ArgumentNullException(nameof(setup));
            ThrowIfDisposed();
            var conversation = new Conversation(_settings, setup, _random);
            await conversation.BeginAsync(cancel).ConfigureAwait(false);
            return conversation;
        }

        /// <summary>
        /// Close the connection, as an app must in the background; calls under way fail. The next call makes another.
        /// </summary>
        public void Disconnect()
        {
            GrpcChannel? channel;
            lock (_gate)
            {
                channel = _channel;
                _channel = null;
            }

            channel?.Dispose();
        }

        /// <summary>Close the connection for good; conversations go on until they are closed themselves.</summary>
        public void Dispose()
        {
            lock (_gate)
            {
                _disposed = true;
            }

            Disconnect();
        }

        private static async Task<Answer> WholeAsync(IAsyncEnumerable<AnswerPiece> pieces)
        {
            Question? question = null;
            Finish? finish = null;
            var text = new StringBuilder();
            var annotations = new List<Annotation>();
            await foreach (var piece in pieces.ConfigureAwait(false))
            {
                question = piece.Question ?? question;
                finish = piece.Finish ?? finish;
                text.Append(piece.Text);
                if (piece.Annotation is { } annotation)
                {
                    var before = annotations.FindIndex(item => item.Id == annotation.Id);
                    if (before >= 0)
                    {
                        annotations[before] = annotation;
                    }
                    else
                    {
                        annotations.Add(annotation);
                    }
                }
            }

            return finish == null
                ? throw new ServerException("the answer's stream ended without its end")
                : new Answer(question, text.ToString(), annotations, finish);
        }

        private V1.AskRequest Question(AskOptions? options)
        {
            options ??= new AskOptions();
            var request = new V1.AskRequest
            {
                Model = options.SessionId.Length == 0 ? _settings.Model : string.Empty,
                SessionId = options.SessionId,
                Image = Wire.Image(options.Frame),
                Scene = Wire.Scene(options.Scene),
                Pointer = options.Pointer == null ? null : Wire.Pointer(options.Pointer.Value, PointerKind.Unknown),
                Sampling = Wire.Sampling(options.MaxNewTokens),
                Language = options.Language,
            };
            if (options.Instructions != null)
            {
                request.Instructions = options.Instructions;
            }

            return request;
        }

        private IAsyncEnumerable<AnswerPiece> AskAsync(V1.AskRequest request, CancellationToken cancel) => StreamAsync(
            (invoker, options) => new V1.DialogueService.DialogueServiceClient(invoker).Ask(request, options),
            response => response.Question != null
                ? new AnswerPiece(Question: Wire.Question(response.Question))
                : Wire.Piece(response.ResponseEvent),
            cancel);

        private async Task<T> CallAsync<T>(
            Func<CallInvoker, CallOptions, AsyncUnaryCall<T>> begin, CancellationToken cancel)
        {
            var attempts = new Attempts(_settings, _random);
            while (true)
            {
                try
                {
                    var options = await OptionsAsync(attempts, cancel).ConfigureAwait(false);
                    using var call = begin(Invoker(), options);
                    return await call.ResponseAsync.ConfigureAwait(false);
                }
                catch (RpcException broken)
                {
                    await WaitAsync(attempts, broken, cancel).ConfigureAwait(false);
                }
            }
        }

        private async IAsyncEnumerable<AnswerPiece> StreamAsync<T>(
            Func<CallInvoker, CallOptions, AsyncServerStreamingCall<T>> begin,
            Func<T, AnswerPiece?> convert,
            [EnumeratorCancellation] CancellationToken cancel)
        {
            var attempts = new Attempts(_settings, _random);
            var begun = false;
            var over = false;
            while (!over)
            {
                var options = await OptionsAsync(attempts, cancel).ConfigureAwait(false);
                using var call = begin(Invoker(), options);
                RpcException? broken = null;
                while (broken == null && !over)
                {
                    try
                    {
                        over = !await call.ResponseStream.MoveNext(cancel).ConfigureAwait(false);
                    }
                    catch (RpcException error)
                    {
                        broken = error;
                    }

                    if (broken == null && !over)
                    {
                        begun = true;
                        if (convert(call.ResponseStream.Current) is { } piece)
                        {
                            yield return piece;
                        }
                    }
                }

                if (broken != null && begun)
                {
                    // A second try would repeat what was given out.
                    cancel.ThrowIfCancellationRequested();
                    throw Errors.FromRpc(broken, _settings.Address);
                }

                if (broken != null)
                {
                    await WaitAsync(attempts, broken, cancel).ConfigureAwait(false);
                }
            }
        }

        private async Task WaitAsync(Attempts attempts, RpcException broken, CancellationToken cancel)
        {
            cancel.ThrowIfCancellationRequested();
            ThrowIfDisposed();
            var error = Errors.FromRpc(broken, _settings.Address);
            if (!(attempts.DelayAfter(error) is { } delay))
            {
                throw error;
            }

            await Clock.Wait(_settings.Time, delay, cancel).ConfigureAwait(false);
        }

        private async ValueTask<CallOptions> OptionsAsync(Attempts attempts, CancellationToken cancel)
        {
            var headers = await Transport.HeadersAsync(_settings, cancel).ConfigureAwait(false);
            return new CallOptions(headers, DateTime.UtcNow + attempts.Remaining, cancel);
        }

        private CallInvoker Invoker()
        {
            lock (_gate)
            {
                ThrowIfDisposed();
                _channel ??= Transport.Open(_settings);
                return _channel.CreateCallInvoker();
            }
        }

        private void ThrowIfDisposed()
        {
            if (_disposed)
            {
                throw new EndedException("the client is disposed");
            }
        }
    }
}
