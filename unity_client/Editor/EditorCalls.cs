#nullable enable
using System.Threading;
using UnityEditor;

namespace Scenewright
{
    /// <summary>
    /// Calls that the Editor makes outside play mode. Components need no such hook: Unity disables them when play stops and
    /// before it reloads code.
    /// </summary>
    internal static class EditorCalls
    {
        private static readonly CancellationTokenSource _reload = new CancellationTokenSource();

        /// <summary>Is cancelled before code is reloaded.</summary>
        public static CancellationToken UntilReload => _reload.Token;

        [InitializeOnLoadMethod]
        private static void Watch() => AssemblyReloadEvents.beforeAssemblyReload += _reload.Cancel;
    }
}
