#nullable enable
using System;
using System.Threading;
using System.Threading.Tasks;
using UnityEngine;

namespace Scenewright
{
    /// <summary>A speaker's client and conversation, begun when first wanted. For the main thread.</summary>
    internal sealed class SpeakerTalk
    {
        private readonly Func<ScenewrightClient> _makeClient;
        private readonly Func<ConversationSetup> _makeSetup;
        private readonly CancellationTokenSource _stopped = new CancellationTokenSource();
        private ScenewrightClient? _client;
        private Task<Conversation>? _begun;

        public SpeakerTalk(Func<ScenewrightClient> makeClient, Func<ConversationSetup> makeSetup) =>
            (_makeClient, _makeSetup) = (makeClient, makeSetup);

        /// <summary>The conversation, if one is under way.</summary>
        public Conversation? Current { get; private set; }

        /// <summary>Puts the conversation's events together.</summary>
        public TurnBook Book { get; } = new TurnBook();

        public ScenewrightClient Client => _client ??= _makeClient();

        /// <summary>The conversation; it is begun if there is none, and `began` is told.</summary>
        public Task<Conversation> BeginAsync(Action<Conversation> began)
        {
            if (_begun == null || _begun.IsFaulted || _begun.IsCanceled || Current is { IsOver: true })
            {
                _begun = ConnectAsync(began);
            }

            return _begun;
        }

        /// <summary>Give every event that has come to `tell`. What ended the conversation is thrown once.</summary>
        public void Pump(Action<LiveEvent> tell)
        {
            try
            {
                while (Current is { } talk && talk.TryRead(out var said))
                {
                    Book.Take(said!);
                    tell(said!);
                }
            }
            catch (Exception error) when (Current is { IsOver: true })
            {
                Book.End(error);
                Current = null;
                throw;
            }
        }

        /// <summary>The app goes into the background, or comes back.</summary>
        public void Pause(bool paused)
        {
            if (paused)
            {
                Current?.Pause();
                _client?.Disconnect();
            }
            else
            {
                Current?.Resume();
            }
        }

        /// <summary>End everything; nothing of it is left within 100 ms.</summary>
        public void Stop()
        {
            _stopped.Cancel();
            Book.End(new OperationCanceledException("the speaker was disabled"));
            _client?.Dispose();
            if (Current != null)
            {
                _ = Current.DisposeAsync();
                Current = null;
            }
        }

        private async Task<Conversation> ConnectAsync(Action<Conversation> began)
        {
            var talk = await OpenAsync(_makeSetup());
            if (_stopped.IsCancellationRequested)
            {
                await talk.DisposeAsync();
                throw new OperationCanceledException(_stopped.Token);
            }

            Current = talk;
            began(talk);
            return talk;
        }

        /// <summary>A model that takes no persona speaks without one; that is said.</summary>
        private async Task<Conversation> OpenAsync(ConversationSetup setup)
        {
            try
            {
                return await Client.ConverseAsync(setup, _stopped.Token);
            }
            catch (PreconditionException refused) when (refused.Reason == "CAPABILITY_MISSING" && setup.Instructions != null)
            {
                Debug.LogWarning($"Scenewright: the persona is left out: {refused.Message}");
                setup.Instructions = null;
                return await Client.ConverseAsync(setup, _stopped.Token);
            }
        }
    }
}
