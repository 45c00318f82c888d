#nullable enable
using System;
using System.Threading;
using System.Threading.Tasks;
using UnityEngine;

namespace Scenewright
{
    /// <summary>
    /// Holds the conversation of a scene: put one on a GameObject, give it a connection, and call <see cref="AskAsync"/> or
    /// <see cref="StartListening"/>.
    /// </summary>
    [AddComponentMenu("Scenewright/Scene Speaker")]
    public sealed class SceneSpeaker : MonoBehaviour
    {
        [SerializeField] private ScenewrightConnection? _connection;

        [Tooltip("Who answers and how, in words.")]
        [TextArea] [SerializeField] private string _persona = string.Empty;

        [Tooltip("BCP 47 tag of the answers; empty: the language of the question.")]
        [SerializeField] private string _language = string.Empty;

        [Tooltip("The user holds a button while speaking.")]
        [SerializeField] private bool _pushToTalk;

        [SerializeField] private InterruptedBy _interruptedBy = InterruptedBy.Speech;
        [SerializeField] private TextEvent _onHeard = new TextEvent();
        [SerializeField] private TextEvent _onWords = new TextEvent();
        [SerializeField] private TextEvent _onAnswer = new TextEvent();
        [SerializeField] private TextEvent _onProblem = new TextEvent();
        [SerializeField] private AnnotationEvent _onAnnotation = new AnnotationEvent();
        [SerializeField] private StateEvent _onState = new StateEvent();

        private readonly TurnBook _book = new TurnBook();
        private ScenewrightClient? _client;
        private CancellationTokenSource? _enabled;
        private Task<Conversation>? _begun;

        /// <summary>Every event of the conversation, on the main thread.</summary>
        public event Action<LiveEvent>? Happened;

        /// <summary>A conversation has begun: tell it what it is to know.</summary>
        public event Action<Conversation>? Began;

        /// <summary>The conversation, if one is under way.</summary>
        public Conversation? Conversation { get; private set; }

        /// <summary>How the speaker stands.</summary>
        public SpeakerState State { get; private set; }

        /// <summary>Whether the microphone's sound is wanted.</summary>
        public bool IsListening { get; private set; }

        /// <summary>The user holds a button while speaking.</summary>
        public bool PushToTalk => _pushToTalk;

        /// <summary>Whether the microphone may be listened to; a voice player calls its BeginReading and EndReading.</summary>
        public ListeningRule Listening { get; } = new ListeningRule();

        /// <summary>The camera's poses at the frames that were sent.</summary>
        public PoseHistory Poses { get; } = new PoseHistory();

        /// <summary>The client, made when it is first used.</summary>
        public ScenewrightClient Client => _client ??= new ScenewrightClient(Connection().ToSettings());

        /// <summary>Ask, and wait for the whole answer; its words come by the events as well.</summary>
        public async Task<Answer> AskAsync(string question)
        {
            var talk = await BeginAsync();
            var answer = _book.Asked(question);
            _book.Sent(question, await talk.SendTextAsync(question));
            return await answer;
        }

        /// <summary>Listen to the user: hands-free, or while a button is held with push to talk.</summary>
        public void StartListening()
        {
            IsListening = true;
            Quietly(async () =>
            {
                var talk = await BeginAsync();
                if (_pushToTalk && IsListening)
                {
                    await talk.StartActivityAsync();
                }
            });
        }

        /// <summary>Listen no more; with push to talk, the user has spoken.</summary>
        public void StopListening()
        {
            var listened = IsListening;
            IsListening = false;
            if (listened && _pushToTalk && Conversation is { } talk)
            {
                Quietly(async () => await talk.EndActivityAsync());
            }
        }

        /// <summary>Stop the answer that is under way.</summary>
        public void Interrupt()
        {
            if (Conversation is { } talk)
            {
                Quietly(async () => await talk.InterruptAsync());
            }
        }

        /// <summary>Speak as someone else from the next turn on.</summary>
        public void SetPersona(string persona)
        {
            _persona = persona;
            if (Conversation is { } talk)
            {
                Quietly(async () => await talk.SendInstructionsAsync(persona));
            }
        }

        /// <summary>The conversation; it is begun if there is none.</summary>
        public Task<Conversation> BeginAsync()
        {
            if (!isActiveAndEnabled || _enabled == null)
            {
                throw new InvalidOperationException($"Scenewright: the speaker '{name}' is not enabled");
            }

            if (_begun == null || _begun.IsFaulted || _begun.IsCanceled || Conversation is { IsOver: true })
            {
                _begun = ConnectAsync(_enabled.Token);
            }

            return _begun;
        }

        /// <summary>Run something of the conversation that nobody waits for: what fails is said once, in component and Console.</summary>
        public async void Quietly(Func<Task> work)
        {
            try
            {
                await work();
            }
            catch (Exception error) when (error is OperationCanceledException || error is EndedException)
            {
            }
            catch (Exception error)
            {
                Report(error);
            }
        }

        private void OnEnable() => _enabled = new CancellationTokenSource();

        private void OnDisable()
        {
            _enabled?.Cancel();
            _enabled = null;
            var talk = Conversation;
            (Conversation, _begun, IsListening) = (null, null, false);
            _book.End(new OperationCanceledException("the speaker was disabled"));
            Show(SpeakerState.Off);
            _client?.Dispose();
            _client = null;
            if (talk != null)
            {
                _ = talk.DisposeAsync();
            }
        }

        private void OnApplicationPause(bool paused)
        {
            if (paused)
            {
                Conversation?.Pause();
                _client?.Disconnect();
                Show(Conversation == null ? State : SpeakerState.Paused);
            }
            else if (Conversation != null)
            {
                Conversation.Resume();
                Show(SpeakerState.Reconnecting);
            }
        }

        private void Update()
        {
            try
            {
                while (Conversation is { } talk && talk.TryRead(out var said))
                {
                    Tell(said!);
                }
            }
            catch (Exception error)
            {
                var over = Conversation is { IsOver: true };
                Report(error);
                if (over)
                {
                    _book.End(error);
                    Conversation = null;
                    Show(SpeakerState.Failed);
                }
            }
        }

        private void Tell(LiveEvent said)
        {
            _book.Take(said);
            Show(SpeakerEventStates.After(said, State));
            switch (said)
            {
                case HeardSoFar { IsFinal: true } heard when heard.Text.Length > 0:
                    _onHeard.Invoke(heard.Text);
                    break;
                case Words words:
                    _onWords.Invoke(words.Text);
                    break;
                case Annotated annotated:
                    _onAnnotation.Invoke(annotated.Annotation);
                    break;
                case ResponseEnded _:
                    _onAnswer.Invoke(_book.Text);
                    break;
                case Problem problem:
                    Report(problem.Error);
                    break;
            }

            Happened?.Invoke(said);
        }

        private async Task<Conversation> ConnectAsync(CancellationToken enabled)
        {
            Show(SpeakerState.Connecting);
            try
            {
                var talk = await Client.ConverseAsync(Setup(), enabled);
                Conversation = talk;
                Began?.Invoke(talk);
                return talk;
            }
            catch (ScenewrightException)
            {
                Show(SpeakerState.Failed);
                throw;
            }
        }

        private ConversationSetup Setup() => new ConversationSetup
        {
            Turns = _pushToTalk ? TurnTaking.Manual : TurnTaking.Automatic,
            InterruptedBy = _interruptedBy,
            Language = _language.Trim(),
            Instructions = _persona.Length > 0 ? _persona : null,
        };

        private ScenewrightConnection Connection() => _connection != null
            ? _connection
            : throw new InvalidInputException($"the speaker '{name}' has no connection: make one by Assets > Create > Scenewright");

        private void Show(SpeakerState state)
        {
            if (state != State)
            {
                State = state;
                _onState.Invoke(state);
            }
        }

        private void Report(Exception error)
        {
            Debug.LogError($"Scenewright: {error.Message}", this);
            _onProblem.Invoke(error.Message);
        }
    }
}
