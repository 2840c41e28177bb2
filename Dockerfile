FROM golang:1.26.8-bookworm AS build
WORKDIR /src

# Modules change rarely: a layer of their own.
COPY go.mod go.sum ./
RUN go mod download

COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
        -ldflags "-s -w -X main.version=${VERSION}" \
        -o /out/dispatchapy ./cmd/dispatchapy \
    && mkdir /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/dispatchapy /dispatchapy
# A new volume takes over the owner of the directory that it is mounted on.
COPY --from=build --chown=65532:65532 /out/data /data

USER 65532:65532
ENV DISPATCHAPY_DATA_DIR=/data
VOLUME /data
EXPOSE 8000

# The image has no shell: the binary asks its own /readyz.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["/dispatchapy", "healthcheck"]

ENTRYPOINT ["/dispatchapy"]
CMD ["serve"]
