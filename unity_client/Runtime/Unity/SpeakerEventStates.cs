#nullable enable
namespace Scenewright
{
    /// <summary>How a speaker stands after an event.</summary>
    internal static class SpeakerEventStates
    {
        public static SpeakerState After(LiveEvent said, SpeakerState before) => said switch
        {
            Connected _ => SpeakerState.Ready,
            Disconnected _ => SpeakerState.Reconnecting,
            SpeechStarted _ => SpeakerState.Hearing,
            SpeechStopped _ => SpeakerState.Ready,
            ResponseStarted _ => SpeakerState.Answering,
            ResponseEnded _ => SpeakerState.Ready,
            _ => before,
        };
    }
}
