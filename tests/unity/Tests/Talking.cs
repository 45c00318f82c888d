#nullable enable
using System;
using System.Collections.Generic;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using NUnit.Framework;

namespace Scenewright.Tests
{
    /// <summary>What several tests do with a conversation.</summary>
    internal static class Talking
    {
        /// <summary>Longer than anything may take on a busy machine.</summary>
        public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

        /// <summary>Ask, and give what is said until the answer's end.</summary>
        public static async Task<string> AnswerAsync(Conversation talk, string question)
        {
            await talk.SendTextAsync(question);
            return await AnswerAsync(talk);
        }

        /// <summary>What is said until the next answer's end.</summary>
        public static async Task<string> AnswerAsync(Conversation talk, ICollection<LiveEvent>? heard = null)
        {
            using var patience = new CancellationTokenSource(Patience);
            var words = new StringBuilder();
            await foreach (var said in talk.ReadAsync(patience.Token))
            {
                heard?.Add(said);
                words.Append((said as Words)?.Text);
                if (said is ResponseEnded)
                {
                    return words.ToString();
                }
            }

            throw new AssertionException("the conversation ended before the answer");
        }

        /// <summary>The first event of a kind; those before it are dropped.</summary>
        public static async Task<T> FirstAsync<T>(Conversation talk)
            where T : LiveEvent
        {
            using var patience = new CancellationTokenSource(Patience);
            await foreach (var said in talk.ReadAsync(patience.Token))
            {
                if (said is T found)
                {
                    return found;
                }
            }

            throw new AssertionException($"the conversation ended without {typeof(T).Name}");
        }

        /// <summary>The error that a task fails with.</summary>
        public static async Task<T> FailureAsync<T>(Func<Task> attempt)
            where T : Exception
        {
            try
            {
                await attempt();
            }
            catch (T expected)
            {
                return expected;
            }

            throw new AssertionException($"expected {typeof(T).Name}, nothing failed");
        }
    }
}
