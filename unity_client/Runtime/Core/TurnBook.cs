#nullable enable
using System;
using System.Collections.Generic;
using System.Text;
using System.Threading.Tasks;

namespace Scenewright
{
    /// <summary>
    /// Puts a conversation's events together: the text of the answer under way, and the whole answers to typed questions.
    /// For one thread.
    /// </summary>
    public sealed class TurnBook
    {
        private readonly Queue<Waiting> _asked = new Queue<Waiting>();
        private readonly StringBuilder _text = new StringBuilder();
        private readonly List<Annotation> _annotations = new List<Annotation>();
        private Question? _question;
        private Waiting? _answered;

        /// <summary>The answer under way; empty between answers.</summary>
        public string ResponseId { get; private set; } = string.Empty;

        /// <summary>What was said so far of the answer under way, or of the last one.</summary>
        public string Text => _text.ToString();

        /// <summary>A typed question is about to be sent; gives its answer when it is whole.</summary>
        public Task<Answer> Asked(string question)
        {
            var waiting = new Waiting(question);
            _asked.Enqueue(waiting);
            return waiting.Answer.Task;
        }

        /// <summary>Note one event.</summary>
        public void Take(LiveEvent said)
        {
            switch (said)
            {
                case ResponseStarted started:
                    _text.Clear();
                    _annotations.Clear();
                    (ResponseId, _question, _answered) = (started.ResponseId, started.Question, null);
                    if (!started.Question.Spoken && _asked.Count > 0 && _asked.Peek().Question == started.Question.Text)
                    {
                        _answered = _asked.Dequeue();
                    }

                    break;
                case Words words:
                    _text.Append(words.Text);
                    break;
                case Annotated annotated:
                    _annotations.RemoveAll(item => item.Id == annotated.Annotation.Id);
                    _annotations.Add(annotated.Annotation);
                    break;
                case ResponseEnded ended:
                    ResponseId = string.Empty;
                    _answered?.Answer.TrySetResult(new Answer(_question, Text, _annotations.ToArray(), ended.Finish));
                    _answered = null;
                    break;
                case Problem problem when problem.ResponseId.Length == 0 && problem.MessageSeq > 0:
                    Refuse(problem);
                    break;
            }
        }

        /// <summary>The question that was sent under that number is awaited; see <see cref="Conversation.SendTextAsync"/>.</summary>
        public void Sent(string question, ulong seq)
        {
            foreach (var waiting in _asked)
            {
                if (waiting.Question == question && waiting.Seq == 0)
                {
                    waiting.Seq = seq;
                    return;
                }
            }
        }

        /// <summary>No answer will come any more.</summary>
        public void End(Exception why)
        {
            _answered?.Answer.TrySetException(why);
            _answered = null;
            ResponseId = string.Empty;
            while (_asked.Count > 0)
            {
                _asked.Dequeue().Answer.TrySetException(why);
            }
        }

        private void Refuse(Problem problem)
        {
            for (var left = _asked.Count; left > 0; left--)
            {
                var waiting = _asked.Dequeue();
                if (waiting.Seq == problem.MessageSeq)
                {
                    waiting.Answer.TrySetException(problem.Error);
                }
                else
                {
                    _asked.Enqueue(waiting);
                }
            }
        }

        private sealed class Waiting
        {
            public Waiting(string question) => Question = question;

            public string Question { get; }

            public ulong Seq { get; set; }

            public TaskCompletionSource<Answer> Answer { get; } =
                new TaskCompletionSource<Answer>(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
