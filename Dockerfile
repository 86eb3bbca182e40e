# Builds Palaver and leaves an image with the executable and the libraries that it needs.
#
#   docker build -t palaver .
#   docker run --rm -p 127.0.0.1:8081:8081 -v palaver-data:/data palaver

FROM swift:6.3-bookworm AS build
WORKDIR /src
COPY scripts/install-packages scripts/
COPY scripts/lib scripts/lib
RUN scripts/install-packages build && rm -rf /var/lib/apt/lists/*
COPY Package.swift ./
COPY migrations migrations
COPY Sources Sources
# SwiftPM wants every target's folder, also those that this product does not need.
COPY Tests Tests
RUN swift build -c release --product palaver --static-swift-stdlib -Xlinker -s \
  && install -D .build/release/palaver /out/palaver

FROM debian:bookworm-slim
RUN apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    ca-certificates curl libcurl4 libhiredis0.14 libjwt0 libmariadb3 libmicrohttpd12 libsqlite3-0 libstdc++6 libzstd1 \
    tzdata \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --system --uid 10001 --home-dir /data palaver \
  && install -d -o palaver -g palaver /data
COPY --from=build /out/palaver /usr/local/bin/palaver
USER palaver
WORKDIR /data
VOLUME /data
# Within the container every address is public to its network: open mode must be allowed by name.
ENV PALAVER_LISTEN=0.0.0.0:8081 PALAVER_DATA=/data
EXPOSE 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD curl -fsS http://127.0.0.1:8081/healthz || exit 1
ENTRYPOINT ["palaver"]
CMD ["serve", "--auth", "open", "--allow-open"]
