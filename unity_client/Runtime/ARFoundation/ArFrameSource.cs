#nullable enable
using System.Collections.Generic;
using UnityEngine;
using UnityEngine.XR.ARFoundation;
using UnityEngine.XR.ARSubsystems;

namespace Scenewright
{
    /// <summary>Frames of the phone's or headset's camera: its planes as they are, upright whatever way the screen is held.</summary>
    [AddComponentMenu("Scenewright/AR Frame Source")]
    public sealed class ArFrameSource : FrameSource
    {
        [SerializeField] private ARCameraManager? _cameraManager;

        private ImageTurn _turn;
        private bool _mirrored;

        /// <inheritdoc/>
        protected override void OnEnable()
        {
            base.OnEnable();
            if (_cameraManager == null)
            {
                Show(CameraState.Silent, $"'{name}' has no ARCameraManager");
                return;
            }

            _cameraManager.frameReceived += Take;
        }

        /// <inheritdoc/>
        protected override void OnDisable()
        {
            if (_cameraManager != null)
            {
                _cameraManager.frameReceived -= Take;
            }

            base.OnDisable();
        }

        private void Take(ARCameraFrameEventArgs args)
        {
            var manager = _cameraManager!;
            if (args.displayMatrix is { } matrix)
            {
                _turn = Upright.FromDisplayMatrix(
                    matrix.m00, matrix.m01, matrix.m10, matrix.m11, ArVersion.DisplayMatrixIsRowMajor, out _mirrored);
            }

            if (!manager.permissionGranted)
            {
                Show(CameraState.PermissionDenied, "the user does not allow the camera");
                return;
            }

            if (!WantsFrame || !manager.TryAcquireLatestCpuImage(out var image))
            {
                return;
            }

            if (!(Layout(image) is { } layout))
            {
                Show(CameraState.UnknownFormat, $"the camera's frames are {image.format}, which is not known");
                image.Dispose();
                return;
            }

            var planes = new List<PixelPlane>();
            for (var i = 0; i < image.planeCount; i++)
            {
                var plane = image.GetPlane(i);
                planes.Add(new PixelPlane(new NativeBytes(plane.data).Memory, plane.rowStride, plane.pixelStride));
            }

            var lens = manager.TryGetIntrinsics(out var k)
                ? new Lens(k.focalLength.x, k.focalLength.y, k.principalPoint.x, k.principalPoint.y, k.resolution.x, k.resolution.y)
                : Guess(manager, image.width, image.height);
            var capture = new Capture(NextFrameId(), UnityConversions.WorldPoseOf(manager.transform), lens, _turn);
            layout = planes.Count == 3 && planes[1].PixelStride == 1 ? PixelLayout.I420 : layout;
            var frame = Frame.FromPixels(layout, image.width, image.height, planes);
            frame.Mirrored = _mirrored;
            Send(frame, capture, planes[0].Data.Span, () => image.Dispose());
        }

        private static PixelLayout? Layout(XRCpuImage image) => image.format switch
        {
            XRCpuImage.Format.AndroidYuv420_888 => PixelLayout.Nv12,
            XRCpuImage.Format.IosYpCbCr420_8BiPlanarFullRange => PixelLayout.Nv12,
            XRCpuImage.Format.RGB24 => PixelLayout.Rgb24,
            XRCpuImage.Format.RGBA32 => PixelLayout.Rgba32,
            XRCpuImage.Format.BGRA32 => PixelLayout.Bgra32,
            XRCpuImage.Format.ARGB32 => PixelLayout.Argb32,
            _ => (PixelLayout?)null,
        };

        private static Lens Guess(Component manager, int width, int height)
        {
            var camera = manager.GetComponent<Camera>();
            var focal = height / (2 * Mathf.Tan((camera != null ? camera.fieldOfView : 60) * Mathf.Deg2Rad / 2));
            return new Lens(focal, focal, width / 2f, height / 2f, width, height);
        }
    }
}
