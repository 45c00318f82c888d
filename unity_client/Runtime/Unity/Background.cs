#nullable enable
using System;
using System.Threading.Tasks;

namespace Scenewright
{
    /// <summary>Work that nobody waits for.</summary>
    internal static class Background
    {
        /// <summary>Run it; `report` gets what fails, but for what ends because its owner does.</summary>
        public static async void Run(Func<Task> work, Action<Exception> report)
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
                report(error);
            }
        }
    }
}
