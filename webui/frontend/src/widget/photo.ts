/** Pixels of a photo's longer side: enough to see a crack, and no more than a weak connection carries. */
const LONGEST_SIDE = 2048;
const QUALITY = 0.85;

/** The picture in a file as a JPEG without what cameras write into it, such as the place; null where it is no picture. */
export async function asPhoto(file: Blob): Promise<Blob | null> {
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) return null;
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const drawn = canvas.getContext("2d");
  if (!drawn) return null;
  // A JPEG has no transparency: what is transparent would turn black.
  drawn.fillStyle = "white";
  drawn.fillRect(0, 0, canvas.width, canvas.height);
  drawn.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
}

/** As an address that an image shows; sites that allow images of their own mostly allow these, and not object URLs. */
export function asDataUrl(photo: Blob): Promise<string> {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result as string);
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(photo);
  });
}
