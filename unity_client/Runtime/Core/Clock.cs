#nullable enable
using System;
using System.Threading;
using System.Threading.Tasks;

namespace Scenewright
{
    /// <summary>Waits by the clock that the settings give.</summary>
    internal static class Clock
    {
        /// <summary>Wait; a wait of 0 or less is none.</summary>
        public static Task Wait(TimeProvider time, TimeSpan delay, CancellationToken cancel)
        {
            if (delay <= TimeSpan.Zero)
            {
                return cancel.IsCancellationRequested ? Task.FromCanceled(cancel) : Task.CompletedTask;
            }

#if NET8_0_OR_GREATER
            return Task.Delay(delay, time, cancel);
#else
            return time.Delay(delay, cancel);
#endif
        }

        /// <summary>Seconds since some moment in the past.</summary>
        public static double Seconds(TimeProvider time) => (double)time.GetTimestamp() / time.TimestampFrequency;

        /// <summary>Wait for a task, or until the wait is cancelled; the task goes on by itself.</summary>
        public static async Task Until(Task task, CancellationToken cancel)
        {
            if (!task.IsCompleted && cancel.CanBeCanceled)
            {
                var stopped = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
                using var registration = cancel.Register(() => stopped.TrySetResult(true));
                if (await Task.WhenAny(task, stopped.Task).ConfigureAwait(false) != task)
                {
                    throw new OperationCanceledException(cancel);
                }
            }

            await task.ConfigureAwait(false);
        }
    }

    /// <summary>Wakes those who wait for a change. Take <see cref="Next"/> before looking at what may have changed.</summary>
    internal sealed class Signal
    {
        private TaskCompletionSource<bool> _next = Fresh();

        /// <summary>Done at the next <see cref="Pulse"/>.</summary>
        public Task Next => Volatile.Read(ref _next).Task;

        /// <summary>Something has changed.</summary>
        public void Pulse() => Interlocked.Exchange(ref _next, Fresh()).TrySetResult(true);

        private static TaskCompletionSource<bool> Fresh() =>
            new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
