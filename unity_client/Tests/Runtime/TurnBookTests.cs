#nullable enable
using System;
using NUnit.Framework;

namespace Scenewright.Tests
{
    internal sealed class TurnBookTests
    {
        private static readonly Finish _end = new Finish(FinishReason.Completed, Wire.Usage(null), Wire.Timings(null), null);

        [Test]
        public void Typed_questions_get_their_own_answers_though_the_user_speaks_between()
        {
            var book = new TurnBook();
            var (first, second) = (book.Asked("where"), book.Asked("what"));
            Answer(book, "r1", new Question("where", false, null), "there");
            Answer(book, "r2", new Question("what", true, 0.9f), "spoken");
            Assert.That(second.IsCompleted, Is.False);
            Answer(book, "r3", new Question("what", false, null), "a chair");
            Assert.That(first.Result.Text, Is.EqualTo("there"));
            Assert.That(second.Result.Text, Is.EqualTo("a chair"));
            Assert.That(second.Result.Annotations, Has.Count.EqualTo(1));
        }

        [Test]
        public void A_refused_question_fails_and_those_behind_it_wait_on()
        {
            var book = new TurnBook();
            var (first, second) = (book.Asked("?!"), book.Asked("what"));
            book.Sent("?!", 1);
            book.Sent("what", 2);
            book.Take(new Problem(1, 0, string.Empty, new InvalidInputException("text: no words"), 1));
            Assert.That(first.Exception!.InnerException, Is.InstanceOf<InvalidInputException>());
            Answer(book, "r1", new Question("what", false, null), "a chair");
            Assert.That(second.Result.Text, Is.EqualTo("a chair"));
        }

        [Test]
        public void When_the_conversation_ends_nobody_waits_for_ever()
        {
            var book = new TurnBook();
            var (first, second) = (book.Asked("where"), book.Asked("what"));
            book.Take(new ResponseStarted(1, 1, "r1", new Question("where", false, null), string.Empty, 0));
            book.End(new InvalidOperationException("over"));
            Assert.That(first.IsFaulted && second.IsFaulted, Is.True);
            Assert.That(book.ResponseId, Is.Empty);
        }

        private static void Answer(TurnBook book, string id, Question question, string text)
        {
            book.Take(new ResponseStarted(1, 1, id, question, string.Empty, 0));
            Assert.That(book.ResponseId, Is.EqualTo(id));
            book.Take(new Annotated(2, 1, id, new Annotation(new V1.Annotation { Id = "a1", Label = "chair" })));
            book.Take(new Annotated(2, 1, id, new Annotation(new V1.Annotation { Id = "a1", Label = "red chair" })));
            book.Take(new Words(3, 1, id, text));
            book.Take(new ResponseEnded(4, 1, id, _end));
            Assert.That(book.Text, Is.EqualTo(text));
        }
    }
}
