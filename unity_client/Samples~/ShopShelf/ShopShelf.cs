using Scenewright;
using UnityEngine;

namespace Scenewright.Samples
{
    /// <summary>Asks a shelf's questions in turn: what its things cost, who made them. The facts are in its Scene Things.</summary>
    [RequireComponent(typeof(SceneSpeaker), typeof(SceneGraphSync))]
    public sealed class ShopShelf : MonoBehaviour
    {
        [SerializeField] private string[] _questions = { "what does the red mug cost", "who made the chair" };

        private async void Start()
        {
            var speaker = GetComponent<SceneSpeaker>();
            foreach (var question in _questions)
            {
                try
                {
                    Debug.Log($"{question}? {(await speaker.AskAsync(question)).Text}", this);
                }
                catch (ScenewrightException problem)
                {
                    Debug.LogWarning(problem.Message, this);
                }
            }
        }
    }
}
