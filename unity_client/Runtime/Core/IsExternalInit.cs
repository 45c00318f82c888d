#if !NET5_0_OR_GREATER
namespace System.Runtime.CompilerServices
{
    /// <summary>What the compiler needs for records where the library has no such type: Unity's.</summary>
    internal static class IsExternalInit
    {
    }
}
#endif
