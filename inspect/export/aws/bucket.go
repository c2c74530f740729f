package aws

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// bucket puts files under a prefix. A file has its key in the spool, so that one that is put again replaces itself.
// Encryption is as the bucket says.
type bucket struct {
	*Client
	name, prefix string
	partSize     int64
}

const (
	// A file of up to one part is put in one request. Parts are read from the file and not held in memory, so their size
	// is only what is sent again when a connection breaks.
	defaultPart = 8 << 20
	// S3 takes this many parts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
	maxParts = 10_000
	// An upload that failed is aborted, even when the program is about to end; but not for longer than this.
	abortPatience = 3 * time.Second
)

// put uploads a file. When it returns nil S3 has said that it has it.
func (b *bucket) put(ctx context.Context, f *spooled) (rejected uint64, err error) {
	file, err := os.Open(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	if err != nil {
		return 0, diskError("file", f.path, err)
	}
	defer file.Close()
	if f.size <= b.partSize {
		_, err = b.s3.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &b.name, Key: b.key(f), Body: file, ContentLength: &f.size, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
		})
	} else {
		err = b.putParts(ctx, file, f)
	}
	return 0, b.explain(err)
}

func (b *bucket) key(f *spooled) *string { return sdk.String(path.Join(b.prefix, f.key)) }

// putParts uploads a file in parts, which S3 shows to nobody before all are there.
func (b *bucket) putParts(ctx context.Context, file io.ReaderAt, f *spooled) error {
	if f.stale {
		b.sweep(ctx, f)
	}
	begun, err := b.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &b.name, Key: b.key(f), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	})
	if err != nil {
		f.stale = true // the answer may be what was lost
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

// sendParts sends one part after the other: files are uploaded side by side already.
func (b *bucket) sendParts(ctx context.Context, file io.ReaderAt, f *spooled, upload *string) ([]types.CompletedPart, error) {
	size := max(b.partSize, (f.size+maxParts-1)/maxParts)
	var parts []types.CompletedPart
	for off := int64(0); off < f.size; off += size {
		n := min(size, f.size-off)
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

// abort gives up an upload, so that nobody pays for its parts. If that fails too it is tried before the next upload of the file.
func (b *bucket) abort(ctx context.Context, f *spooled, upload *string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortPatience)
	defer cancel()
	_, err := b.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b.name, Key: b.key(f), UploadId: upload})
	f.stale = err != nil && !isAnswer(err, "NoSuchUpload")
}

// sweep aborts the uploads of this very file that were begun and not completed, as by a process that was killed. Those of
// other machines have other keys. It is an effort only: who may not list them leaves that to a rule of the bucket's.
func (b *bucket) sweep(ctx context.Context, f *spooled) {
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
	f.stale = false
}
