#nullable enable
using System.Threading.Tasks;
using UnityEditor;

namespace Scenewright
{
    /// <summary>What the set-up window says of a server.</summary>
    internal static class ConnectionCheck
    {
        [InitializeOnLoadMethod]
        private static void Offer() => SetupWindow.CheckConnection = CheckAsync;

        private static async Task<string> CheckAsync(string address)
        {
            var settings = new ClientSettings { Address = address, CreateHandler = HttpHandlers.ForThisPlatform(tls: false) };
            using var client = new ScenewrightClient(settings);
            var models = await client.ListModelsAsync(EditorCalls.UntilReload);
            var said = $"Scenewright {models[0].ServerVersion}, contract {models[0].Contract}";
            foreach (var model in models)
            {
                said += $"\n- {model.Name} {model.Version} on {model.Device}: {string.Join(", ", model.Languages)}";
            }

            return said;
        }
    }
}
