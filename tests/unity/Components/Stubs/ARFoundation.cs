// What the package uses of AR Foundation 5.1 to 6.x, written after its published interface: for compiling, never for running.
#pragma warning disable CS1591, CS0067, CA1822, CA1711, CA1003, CA1008, CA1815, IDE1006
#nullable disable
using System;
using System.Collections.Generic;
using Unity.Collections;
using UnityEngine;

namespace UnityEngine.XR.ARSubsystems
{
    [Flags]
    public enum TrackableType
    {
        None = 0,
        PlaneWithinPolygon = 1 << 0,
        FeaturePoint = 1 << 4,
        Depth = 1 << 7,
        AllTypes = ~0,
    }

    public struct XRCameraIntrinsics
    {
        public Vector2 focalLength { get; }

        public Vector2 principalPoint { get; }

        public Vector2Int resolution { get; }
    }

    public struct XRCpuImage : IDisposable
    {
        public enum Format
        {
            Unknown = 0,
            AndroidYuv420_888 = 1,
            IosYpCbCr420_8BiPlanarFullRange = 2,
            ARGB32 = 7,
            RGBA32 = 8,
            BGRA32 = 9,
            RGB24 = 10,
        }

        public int width => 0;

        public int height => 0;

        public int planeCount => 0;

        public Format format => default;

        public Plane GetPlane(int planeIndex) => default;

        public void Dispose()
        {
        }

        public struct Plane
        {
            public int rowStride => 0;

            public int pixelStride => 0;

            public NativeArray<byte> data => default;
        }
    }
}

namespace UnityEngine.XR.ARFoundation
{
    using UnityEngine.XR.ARSubsystems;

    public struct ARCameraFrameEventArgs
    {
        public Matrix4x4? displayMatrix { get; set; }
    }

    public sealed class ARCameraManager : MonoBehaviour
    {
        public event Action<ARCameraFrameEventArgs> frameReceived;

        public bool permissionGranted => false;

        public bool TryGetIntrinsics(out XRCameraIntrinsics cameraIntrinsics)
        {
            cameraIntrinsics = default;
            return false;
        }

        public bool TryAcquireLatestCpuImage(out XRCpuImage cpuImage)
        {
            cpuImage = default;
            return false;
        }
    }

    public struct ARRaycastHit
    {
        public Pose pose => default;
    }

    public sealed class ARRaycastManager : MonoBehaviour
    {
        public bool Raycast(Ray ray, List<ARRaycastHit> hitResults, TrackableType trackableTypes = TrackableType.AllTypes) => false;
    }

    public sealed class ARAnchor : MonoBehaviour
    {
    }
}
