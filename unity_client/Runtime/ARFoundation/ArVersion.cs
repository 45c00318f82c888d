#nullable enable
namespace Scenewright
{
    /// <summary>What differs between the versions of AR Foundation.</summary>
    internal static class ArVersion
    {
        /// <summary>From 6.0 on everywhere, and on iOS always; 5.1 gives a column-major matrix on Android.</summary>
        public static bool DisplayMatrixIsRowMajor
        {
            get
            {
#if !SCENEWRIGHT_ARF6 && UNITY_ANDROID && !UNITY_EDITOR
                return false;
#else
                return true;
#endif
            }
        }
    }
}
