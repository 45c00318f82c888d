#nullable enable
using System;
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
        [SerializeField] private SpeakerEvents _events = new SpeakerEvents();

        private SpeakerTalk? _talk;

        /// <summary>Every event of the conversation, on the main thread.</summary>
        public event Action<LiveEvent>? Happened;

        /// <summary>A conversation has begun: tell it what it is to know.</summary>
        public event Action<Conversation>? Began;

        /// <summary>The conversation, if one is under way.</summary>
        public Conversation? Conversation => _talk?.Current;

        /// <summary>How the speaker stands.</summary>
        public SpeakerState State { get; private set; }

        /// <summary>Whether the microphone's sound is wanted.</summary>
        public bool IsListening { get; private set; }

        /// <summary>What the Inspector shows of the speaker's events.</summary>
        public SpeakerEvents Events => _events;

        /// <summary>Whether the microphone may be listened to; a voice player calls its BeginReading and EndReading.</summary>
        public ListeningRule Listening { get; } = new ListeningRule();

        /// <summary>The camera's poses at the frames that were sent.</summary>
        public PoseHistory Poses { get; } = new PoseHistory();

        /// <summary>The client, for calls beside the conversation.</summary>
        public ScenewrightClient Client => Talk().Client;

        /// <summary>Ask, and wait for the whole answer; its words come by the events as well.</summary>
        public async Task<Answer> AskAsync(string question)
        {
            var talk = await BeginAsync();
            var book = Talk().Book;
            var answer = book.Asked(question);
            book.Sent(question, await talk.SendTextAsync(question));
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
            if (IsListening && _pushToTalk)
            {
                Send(async talk => await talk.EndActivityAsync());
            }

            IsListening = false;
        }

        /// <summary>Stop the answer that is under way.</summary>
        public void Interrupt() => Send(async talk => await talk.InterruptAsync());

        /// <summary>Speak as someone else from the next turn on.</summary>
        public void SetPersona(string persona)
        {
            _persona = persona;
            Send(async talk => await talk.SendInstructionsAsync(persona));
        }

        /// <summary>The conversation; it is begun if there is none.</summary>
        public async Task<Conversation> BeginAsync()
        {
            try
            {
                Show(State == SpeakerState.Off || State == SpeakerState.Failed ? SpeakerState.Connecting : State);
                return await Talk().BeginAsync(talk => Began?.Invoke(talk));
            }
            catch (ScenewrightException)
            {
                Show(SpeakerState.Failed);
                throw;
            }
        }

        /// <summary>Tell the conversation something, if one is under way; see <see cref="Quietly"/>.</summary>
        public void Send(Func<Conversation, Task> tell)
        {
            if (Conversation is { } talk)
            {
                Quietly(() => tell(talk));
            }
        }

        /// <summary>Run something of the conversation that nobody waits for: what fails is said in component and Console.</summary>
        public void Quietly(Func<Task> work) => Background.Run(work, Report);

        private void OnEnable() => _talk = new SpeakerTalk(MakeClient, MakeSetup);

        private void OnDisable()
        {
            IsListening = false;
            _talk?.Stop();
            _talk = null;
            Show(SpeakerState.Off);
        }

        private void OnApplicationPause(bool paused)
        {
            _talk?.Pause(paused);
            Show(Conversation == null ? State : paused ? SpeakerState.Paused : SpeakerState.Reconnecting);
        }

        private void Update()
        {
            try
            {
                _talk?.Pump(Tell);
            }
            catch (Exception error)
            {
                Show(Conversation == null ? SpeakerState.Failed : State);
                Report(error);
            }
        }

        private void Tell(LiveEvent said)
        {
            Show(SpeakerEvents.StateAfter(said, State));
            _events.Tell(said, Talk().Book.Text, Report);
            Happened?.Invoke(said);
        }

        private SpeakerTalk Talk() =>
            _talk ?? throw new InvalidOperationException($"Scenewright: the speaker '{name}' is not enabled");

        private ScenewrightClient MakeClient() => _connection != null
            ? new ScenewrightClient(_connection.ToSettings())
            : throw new InvalidInputException($"the speaker '{name}' has no connection: make one by Assets > Create > Scenewright");

        private ConversationSetup MakeSetup() => new ConversationSetup
        {
            Turns = _pushToTalk ? TurnTaking.Manual : TurnTaking.Automatic,
            InterruptedBy = _interruptedBy,
            Language = _language.Trim(),
            Instructions = _persona.Length > 0 ? _persona : null,
        };

        private void Show(SpeakerState state)
        {
            if (state != State)
            {
                State = state;
                _events.State.Invoke(state);
            }
        }

        private void Report(Exception error)
        {
            Debug.LogError($"Scenewright: {error.Message}", this);
            _events.Problem.Invoke(error.Message);
        }
    }
}
