using Scenewright;
using UnityEngine;

public sealed class Ask : MonoBehaviour
{
    public SceneSpeaker speaker;

    private async void Start() => Debug.Log((await speaker.AskAsync("what do you see")).Text);
}
