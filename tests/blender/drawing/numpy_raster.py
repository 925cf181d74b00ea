"""The rules of Gaussian splatting once more, in NumPy and float64, straight from their formulas.

Nothing of the add-on or of the backend is used: the oracle of what the shaders draw.
"""

import numpy as np

from shared.camera import Camera


def rotation(quat: np.ndarray) -> np.ndarray:
    """[3, 3] of a quaternion wxyz: v + 2 w (u x v) + 2 u x (u x v), column by column."""
    w, u = quat[0] / np.linalg.norm(quat), quat[1:] / np.linalg.norm(quat)
    eye = np.eye(3)
    return (eye + 2 * w * np.cross(u, eye) + 2 * np.cross(u, np.cross(u, eye))).T


def rasterise(
    means: np.ndarray,
    quats: np.ndarray,
    scales: np.ndarray,
    opacities: np.ndarray,
    rgb: np.ndarray,
    camera: Camera,
    nearest: np.ndarray | None = None,
    low_pass: float = 0.3,
) -> np.ndarray:
    """[H, W, 4] premultiplied colours and alpha, rows downwards.

    Args:
        means, quats, scales, opacities, rgb: [N, ...] Gaussians in the camera's world.
        camera: OpenCV's axes.
        nearest: [H, W] metres from the camera of a mesh that hides what is behind.
        low_pass: Square pixels.
    """
    view, K = camera.viewmat, camera.K
    seen = means @ view[:3, :3].T + view[:3, 3]
    ys, xs = np.mgrid[: camera.height, : camera.width] + 0.5
    size = np.array([camera.width, camera.height])
    left = np.ones((camera.height, camera.width))
    picture = np.zeros((camera.height, camera.width, 4))
    for n in np.argsort(seen[:, 2], kind="stable"):
        z = seen[n, 2]
        if z < 0.01:
            continue
        # linear where it is, or at most 15 % of the picture outside
        px, py = np.clip((K @ seen[n])[:2] / z, -0.15 * size, 1.15 * size) - K[:2, 2]
        jacobian = np.array([[K[0, 0] / z, 0, -px / z], [0, K[1, 1] / z, -py / z]])
        turned = jacobian @ view[:3, :3] @ rotation(quats[n]) @ np.diag(scales[n])
        covariance = turned @ turned.T + low_pass * np.eye(2)
        offset = np.stack([xs - (K[0] @ seen[n]) / z, ys - (K[1] @ seen[n]) / z], -1)
        power = 0.5 * np.einsum("hwi,ij,hwj->hw", offset, np.linalg.inv(covariance), offset)
        alpha = np.minimum(0.999, opacities[n] * np.exp(-power))
        alpha[alpha < 1 / 255] = 0
        if nearest is not None:
            alpha[z > nearest] = 0
        picture += (alpha * left)[..., None] * np.append(rgb[n], 1.0)
        left *= 1 - alpha
    return picture
