package aws

import (
	"context"
	"io"
	"path"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/mirrorsink/mirrorsink/inspect/export/awserror"
	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
)

// bucket uploads files under a prefix. A file's key is its path in the spool, so that a repeated upload replaces the first one.
// Encryption is the bucket's setting.
type bucket struct {
	*Client
	name, prefix string
	partSize     int64
}

const (
	// defaultPart is the size of a part. A file of up to one part is uploaded in one request. Parts are read from the file and not
	// held in memory: their size only bounds what is sent again after a broken connection.
	defaultPart = 8 << 20
	// maxParts is S3's limit: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
	maxParts = 10_000
	// abortTimeout bounds the call that aborts a failed upload, which is made even while the program ends.
	abortTimeout = 3 * time.Second
)

// put uploads a file. If it returns nil, S3 has confirmed the upload.
func (b *bucket) put(ctx context.Context, f *spool.File) (rejected uint64, err error) {
	file, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer file.Close()
	if f.Size <= b.partSize {
		_, err = b.s3.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &b.name, Key: b.key(f), Body: file, ContentLength: &f.Size, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
		})
	} else {
		err = b.putParts(ctx, file, f)
	}
	return 0, awserror.Explain(err, b.region)
}

func (b *bucket) key(f *spool.File) *string { return sdk.String(path.Join(b.prefix, f.Key)) }

// putParts uploads a file in parts. The object becomes visible when the upload is complete.
func (b *bucket) putParts(ctx context.Context, file io.ReaderAt, f *spool.File) error {
	if f.Stale {
		b.sweep(ctx, f)
	}
	begun, err := b.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &b.name, Key: b.key(f), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	})
	if err != nil {
		f.Stale = true // it may exist: only the answer may be lost
		return err
	}
	parts, err := b.sendParts(ctx, file, f, begun.UploadId)
	if err == nil {
		_, err = b.s3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: &b.name, Key: b.key(f), UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		})
	}
	if err != nil {
		b.abort(ctx, f, begun.UploadId)
	}
	return err
}

// sendParts sends one part after the other, since several files are uploaded concurrently.
func (b *bucket) sendParts(ctx context.Context, file io.ReaderAt, f *spool.File, upload *string) ([]types.CompletedPart, error) {
	size := max(b.partSize, (f.Size+maxParts-1)/maxParts)
	var parts []types.CompletedPart
	for off := int64(0); off < f.Size; off += size {
		n := min(size, f.Size-off)
		number := sdk.Int32(int32(len(parts) + 1))
		out, err := b.s3.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &b.name, Key: b.key(f), UploadId: upload, PartNumber: number, ContentLength: &n,
			Body: io.NewSectionReader(file, off, n), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
		})
		if err != nil {
			return nil, err
		}
		parts = append(parts, types.CompletedPart{PartNumber: number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32})
	}
	return parts, nil
}

// abort aborts an upload, since its parts cost money. If that fails it is repeated before the next upload of the file.
func (b *bucket) abort(ctx context.Context, f *spool.File, upload *string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	_, err := b.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b.name, Key: b.key(f), UploadId: upload})
	f.Stale = err != nil && !awserror.Is(err, "NoSuchUpload")
}

// sweep aborts incomplete uploads of this file, as of a process that was killed. Uploads of other machines have other keys. Without
// the permission to list uploads it does nothing: a lifecycle rule of the bucket can remove them.
func (b *bucket) sweep(ctx context.Context, f *spool.File) {
	key := b.key(f)
	pages := s3.NewListMultipartUploadsPaginator(b.s3, &s3.ListMultipartUploadsInput{Bucket: &b.name, Prefix: key})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return
		}
		for _, u := range page.Uploads {
			if sdk.ToString(u.Key) == *key {
				b.abort(ctx, f, u.UploadId)
			}
		}
	}
	f.Stale = false
}
