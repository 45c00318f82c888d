#nullable enable
using System;
using System.Buffers;
using Unity.Collections;
using Unity.Collections.LowLevel.Unsafe;

namespace Scenewright
{
    /// <summary>Native memory as Memory, without a copy. It must outlive whoever reads it.</summary>
    public sealed unsafe class NativeBytes : MemoryManager<byte>
    {
        private readonly byte* _pointer;
        private readonly int _length;

        /// <summary>The bytes of a native array.</summary>
        public NativeBytes(NativeArray<byte> array)
        {
            _pointer = (byte*)array.GetUnsafeReadOnlyPtr();
            _length = array.Length;
        }

        /// <inheritdoc/>
        public override Span<byte> GetSpan() => new Span<byte>(_pointer, _length);

        /// <inheritdoc/>
        public override MemoryHandle Pin(int elementIndex = 0) => new MemoryHandle(_pointer + elementIndex);

        /// <inheritdoc/>
        public override void Unpin()
        {
        }

        /// <inheritdoc/>
        protected override void Dispose(bool disposing)
        {
        }
    }
}
