#nullable enable
using System;

namespace Scenewright
{
    /// <summary>
    /// Positions in text: the server counts Unicode code points, C# counts UTF-16 units; an emoji is one and two.
    /// A surrogate without its other half counts as a code point.
    /// </summary>
    public static class CodePoints
    {
        /// <summary>Code points in the text.</summary>
        public static int Count(string text)
        {
            _ = text ?? throw new ArgumentNullException(nameof(text));
            return FromUtf16(text, text.Length);
        }

        /// <summary>Code points before a UTF-16 index; an index inside a pair counts the pair's beginning.</summary>
        public static int FromUtf16(string text, int index)
        {
            _ = text ?? throw new ArgumentNullException(nameof(text));
            var count = 0;
            for (var at = 0; at < text.Length && at + Width(text, at) <= index; at += Width(text, at))
            {
                count++;
            }

            return count;
        }

        /// <summary>The UTF-16 index of a code point; the text's length beyond its end.</summary>
        public static int ToUtf16(string text, int codePoint)
        {
            _ = text ?? throw new ArgumentNullException(nameof(text));
            var at = 0;
            for (var left = codePoint; left > 0 && at < text.Length; left--)
            {
                at += Width(text, at);
            }

            return at;
        }

        private static int Width(string text, int at) => char.IsSurrogatePair(text, at) ? 2 : 1;
    }
}
