// Virtual neurons: K across clusters of R x S units, one filter weight per unit (MAERI)
// for: CONV NGCONV DSCONV TRCONV
//
// The sizes of Y' and X' are 1 in a convolution and a window in a transposed one: see kcp_ws.m.
Dataflow maeri {
	TemporalMap(1,1) C;
	SpatialMap(1,1) K;
	TemporalMap(1+(Sz(Y')-1)/Sz(Y)*(Sz(R)-1),1) Y';
	TemporalMap(1+(Sz(X')-1)/Sz(X)*(Sz(S)-1),1) X';
	TemporalMap(Sz(R),Sz(R)) R;
	TemporalMap(Sz(S),Sz(S)) S;
	Cluster(Sz(R), P);
	SpatialMap(1,1) R;
	Cluster(Sz(S), P);
	SpatialMap(1,1) S;
}
