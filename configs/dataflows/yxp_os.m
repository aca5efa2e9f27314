// Output stationary: output rows across clusters of 8 units, columns across the units of a cluster (YX-P)
// for: CONV NGCONV DSCONV TRCONV
//
// The sizes of Y' and X' are 1 in a convolution and a window in a transposed one: see kcp_ws.m. The tile of 8 columns
// likewise: 8 of X' in a convolution, the X' that about 8 of X reach in a transposed one (of a stride of 2 or more).
Dataflow yxp_os {
	TemporalMap(1,1) K;
	TemporalMap(1,1) C;
	SpatialMap(1+(Sz(Y')-1)/Sz(Y)*(Sz(R)-1),1) Y';
	TemporalMap(8+(Sz(X')-1)/Sz(X)*8,8) X';
	TemporalMap(Sz(R),Sz(R)) R;
	TemporalMap(Sz(S),Sz(S)) S;
	Cluster(8, P);
	SpatialMap(1+(Sz(X')-1)/Sz(X)*(Sz(S)-1),1) X';
	TemporalMap(Sz(R),Sz(R)) R;
	TemporalMap(Sz(S),Sz(S)) S;
}
