#nullable enable
using Unity.Collections;
using UnityEngine;
using UnityEngine.Rendering;

namespace Scenewright
{
    /// <summary>Frames of a plain camera of the scene, read back from the GPU without waiting for it.</summary>
    [AddComponentMenu("Scenewright/Camera Frame Source")]
    public sealed class CameraFrameSource : FrameSource
    {
        [Tooltip("Empty: the main camera.")]
        [SerializeField] private Camera? _camera;

        [Range(64, 1280)] [SerializeField] private int _width = 640;

        private RenderTexture? _texture;
        private int _reading;

        /// <inheritdoc/>
        protected override void OnDisable()
        {
            base.OnDisable();
            if (_texture != null)
            {
                _texture.Release();
                Destroy(_texture);
                _texture = null;
            }
        }

        private void LateUpdate()
        {
            var camera = _camera != null ? _camera : Camera.main;
            if (camera == null)
            {
                Show(CameraState.Silent, $"'{name}' has no camera, and the scene has no main camera");
            }
            else if (_reading == 0 && WantsFrame)
            {
                Read(camera);
            }
        }

        private void Read(Camera camera)
        {
            var height = Mathf.Max(1, Mathf.RoundToInt(_width / camera.aspect));
            if (_texture == null || _texture.height != height || _texture.width != _width)
            {
                _texture = new RenderTexture(_width, height, 24, RenderTextureFormat.ARGB32);
            }

            var before = camera.targetTexture;
            camera.targetTexture = _texture;
            camera.Render();
            var lens = UnityConversions.LensOf(camera, _width, height);
            camera.targetTexture = before;
            var capture = new Capture(NextFrameId(), UnityConversions.WorldPoseOf(camera.transform), lens);
            var pixels = new NativeArray<byte>(_width * height * 4, Allocator.Persistent, NativeArrayOptions.UninitializedMemory);
            _reading++;
            AsyncGPUReadback.RequestIntoNativeArray(ref pixels, _texture, 0, TextureFormat.RGBA32, done =>
            {
                _reading--;
                if (done.hasError || this == null || !isActiveAndEnabled)
                {
                    pixels.Dispose();
                    return;
                }

                var bytes = new NativeBytes(pixels).Memory;
                var frame = Frame.FromPixels(
                    PixelLayout.Rgba32, capture.Lens.Width, capture.Lens.Height, new[] { new PixelPlane(bytes) }, bottomUp: true);
                Send(frame, capture, bytes.Span, () => pixels.Dispose());
            });
        }
    }
}
